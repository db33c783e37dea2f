import { existsSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { verifySignature } from '../adapters/crypto/ed25519.ts'
import { witnessAt } from '../adapters/witnesses/http.ts'
import { createCosigning } from '../commands/processes/cosigning.ts'
import { createLogSigner, LogForked, type LogSigner, type NoteKeeper } from '../commands/processes/log-signer.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { originOf } from '../domain/signed-note.ts'
import { type MerkleLogQueries, nodesOf } from '../projections/merkle-log.query.ts'
import { tileWidth } from '../projections/merkle-log.ts'
import type { ConfiguredWitness } from './config.ts'
import type { KeyRing } from './keys.ts'
import { seldom } from './logs.ts'
import { rest } from './rest.ts'

export interface LogSignerSide {
  readonly network: Pick<NetworkState, 'networkId' | 'logKey'>
  readonly keys: KeyRing
  readonly reads: MerkleLogQueries
  readonly witnesses: readonly ConfiguredWitness[]
  readonly log: Logger
}

/** What signs the log's checkpoints; undefined where the network's key for that is not here. Throws `Failure` for a key file that is damaged. */
export function openLogSigner({ network, keys, reads, witnesses, log }: LogSignerSide): LogSigner | undefined {
  const signer = keys.find('log')
  if (signer?.publicKey !== network.logKey) return undefined
  const forked = seldom((error: Error) => log.error({ reason: error.message }, 'LogForked: no checkpoint is signed'))
  const unwitnessed = seldom((error: Error) => log.warn({ reason: error.message }, 'a checkpoint has no cosignature of a witness'))
  const waits = seldom((error: Error) => log.warn({ err: error }, 'checkpoints wait'))
  return createLogSigner({
    origin: originOf(network.networkId),
    signer,
    verify: verifySignature,
    log: {
      tree: async () => (await reads.logTree()).value,
      nodes: () => nodesOf(reads),
      async textsFrom(from) {
        return (await reads.logEntries(Math.floor(from / tileWidth))).slice(from % tileWidth)
      },
    },
    ...(witnesses.length && {
      cosign: createCosigning({
        witnesses: witnesses.map(({ key, url }) => ({ key, submit: witnessAt(url) })),
        nodes: () => nodesOf(reads),
        verify: verifySignature,
        clock: () => performance.now(),
        onError: unwitnessed,
      }),
    }),
    notes: noteFile(`${keys.path('log').replace(/\.key$/, '')}.checkpoint`),
    sleep: rest,
    onError: (error) => (error instanceof LogForked ? forked(error) : waits(error)),
  })
}

/** The last checkpoint in a file, which is replaced as a whole. */
export function noteFile(path: string): NoteKeeper {
  return {
    last: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    async keep(note) {
      const beside = `${path}.new`
      await writeThrough(beside, note)
      await rename(beside, path)
      const directory = await open(dirname(path))
      await directory.sync().finally(() => directory.close())
    },
  }
}

async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
