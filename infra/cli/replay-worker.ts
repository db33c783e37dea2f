import { parentPort, workerData } from 'node:worker_threads'
import { decodeUnchecked } from '../../domain/catalogue.ts'
import { createFold } from '../../projections/replay.ts'
import { Failure } from './command.ts'
import { linesOf, readExportedLog } from './export-format.ts'
import { byBytes, hashedFile, type ProvingMessage, type ProvingTask } from './replay-export.ts'

// Proves an export from its first line to its last, and folds what is made of its events' bytes. The events are decoded, and so
// checked, by the thread that has started this one.

const { path, to = Number.POSITIVE_INFINITY, at } = workerData as ProvingTask
const say = (message: ProvingMessage) => parentPort!.postMessage(message)

try {
  const file = hashedFile(path)
  const onProgress = (count: number) => say({ kind: 'progress', count })
  const fold = createFold(byBytes, { onProgress, read: decodeUnchecked, at })
  const reader = readExportedLog(path, linesOf(file.chunks))
  for (;;) {
    const { done, value } = await reader.next()
    if (done) {
      const { digests, digestsAt } = fold.folded()
      say({ kind: 'proved', root: value.root, last: value.last, fileHash: file.hash(), digests, digestsAt })
      break
    }
    for (const event of value) if (event.position <= to) fold.take(event)
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error
  say({ kind: 'failed', message: error.message })
}
