import { settingsStream } from '../engine/access.ts'
import { accountStream } from '../engine/accounts.ts'
import { isMetadataStream, metadataPrefix } from '../engine/streams.ts'
import type { Principal } from '../security/principal.ts'
import type { Store } from '../store.ts'

/** Calls `changed` whenever the rights to a stream may have changed for somebody; answers how to stop that. */
export function onAccessChange({ feed }: Store, principal: Principal, stream: string, changed: () => void): () => void {
  if (principal.kind === 'system') return () => {}
  const owner = isMetadataStream(stream) ? stream.slice(metadataPrefix.length) : stream
  const account = accountStream(principal.name)
  const deciding = [metadataPrefix + owner, settingsStream, account, metadataPrefix + account]
  const stops = deciding.map((name) => feed.onStream(name, changed))
  return () => {
    for (const stop of stops) stop()
  }
}
