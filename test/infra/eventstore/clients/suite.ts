import { suite } from 'uvu'
import { standalone } from '../support.ts'
import { appends } from './appends.ts'
import { batches } from './batches.ts'
import { deletes } from './deletes.ts'
import { discovery } from './discovery.ts'
import type { Library } from './library.ts'
import { links } from './links.ts'
import { metadata } from './metadata.ts'
import { reads } from './reads.ts'
import { subscriptions } from './subscriptions.ts'
import { type Test, type World, worldOf } from './world.ts'

/** The large ones last, lest every read of `$all` goes through them. */
const parts = [appends, reads, deletes, metadata, links, subscriptions, discovery, batches]

/** Everything that an application does with a client library, against `duxnet eventstore` as a process of its own. */
export function clientSuite(library: Library): Test {
  const test = suite(library.name)
  let world: World
  let close: () => Promise<void>
  test.before(async () => {
    const store = await standalone(['--mem-db'])
    world = worldOf(library, store.connectionString)
    close = async () => {
      await world.client.dispose()
      await store.kill('SIGTERM')
    }
  })
  test.after(() => close())
  for (const part of parts) part(test, () => world)
  return test
}
