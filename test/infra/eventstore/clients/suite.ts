import { suite } from 'uvu'
import { access } from './access.ts'
import { appends } from './appends.ts'
import { batches } from './batches.ts'
import { consumers } from './consumers.ts'
import { deletes } from './deletes.ts'
import { discovery } from './discovery.ts'
import { groups } from './groups.ts'
import type { Library } from './library.ts'
import { links } from './links.ts'
import { metadata } from './metadata.ts'
import { reads } from './reads.ts'
import { subscriptions } from './subscriptions.ts'
import type { Transport } from './transports.ts'
import { type Test, type World, worldOf } from './world.ts'

/** The large ones last, lest every read of `$all` goes through them. */
const parts = [appends, reads, deletes, metadata, links, subscriptions, groups, consumers, discovery, batches]

/** Everything that an application does with a client library. */
export function clientSuite(library: Library, transport: Transport): Test {
  const test = suite(`${library.name} over ${transport.name}`)
  let world: World
  let close: () => Promise<void>
  test.before(async () => {
    const { store, connectionString } = await transport.open()
    world = worldOf(library, connectionString)
    close = async () => {
      await world.client.dispose()
      await store.kill('SIGTERM')
    }
  })
  test.after(() => close())
  for (const part of transport.hasUsers ? [access, ...parts] : parts) part(test, () => world)
  return test
}
