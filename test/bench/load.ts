import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from './harness.ts'
import { type Answered, connectHttp, type HttpConnection } from './http.ts'

export interface Load {
  /** Requests answered a second in the steady state. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were not 200, and connections that broke. */
  readonly errors: number
  /** From the first connect until every connection had been answered once. */
  readonly coldBurstMs: number
}

export interface LoadOptions {
  readonly port: number
  /** Taken in turn. */
  readonly requests: readonly Buffer[]
  /** Each has one request in flight. */
  readonly connections: number
  readonly seconds: number
  /** Sees every answer; for runs whose figures are not used. */
  readonly inspect?: (answer: Answered) => void
}

/** Closed loop over HTTP/1.1 keep-alive. The clock of the steady state starts when every connection has been answered once. */
export async function load({ port, requests, connections, seconds, inspect }: LoadOptions): Promise<Load> {
  const latencies: number[] = []
  const clients: HttpConnection[] = []
  let errors = 0
  let answeredOnce = 0
  let steadySince = 0
  let coldBurstMs = 0
  let ended = false
  const started = performance.now()

  await new Promise<void>((resolve) => {
    const steady = () => {
      steadySince = performance.now()
      coldBurstMs = steadySince - started
      setTimeout(() => {
        ended = true
        resolve()
      }, seconds * 1000)
    }
    for (let client = 0; client < connections; client++) {
      let turn = client
      let sentAt = 0
      const connection = connectHttp(port, () => {
        errors++
        // One that never comes must not keep the others from being measured.
        if (sentAt === 0 && ++answeredOnce === connections) steady()
      })
      const send = () => {
        sentAt = performance.now()
        connection.send(requests[turn++ % requests.length]!, answered)
      }
      const answered = (answer: Answered) => {
        if (answer.status !== 200) errors++
        inspect?.(answer)
        if (turn === client + 1) {
          if (++answeredOnce === connections) steady()
        } else if (steadySince && sentAt >= steadySince && !ended) latencies.push(performance.now() - sentAt)
        if (!ended) send()
      }
      clients.push(connection)
      connection.open.then(send, () => {})
    }
  })
  const elapsed = (performance.now() - steadySince) / 1000
  for (const client of clients) client.close()
  return {
    rate: latencies.length / elapsed,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    errors,
    coldBurstMs,
  }
}

/** Open loop: `work` is begun when it is due, `perSecond` a second, whether or not what was begun before is done; until `isOver`, which is asked by how many there were. */
export async function openLoop(perSecond: number, isOver: (begun: number) => boolean, work: (n: number) => void): Promise<void> {
  const startedAt = performance.now()
  for (let begun = 0; !isOver(begun); await sleep(1)) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000)
    while (begun < due && !isOver(begun)) work(begun++)
  }
}

/** Each connection sends its own requests, one after the other; returns the answers of each, and how long all took in milliseconds. */
export async function drain(
  port: number,
  requests: readonly (readonly Buffer[])[],
): Promise<{ readonly ms: number; readonly answers: readonly (readonly Answered[])[] }> {
  const connections = requests.map(() => connectHttp(port, () => {}))
  await Promise.all(connections.map(({ open }) => open))
  const started = performance.now()
  const answers = await Promise.all(
    connections.map(async (connection, index) => {
      const answers: Answered[] = []
      for (const request of requests[index]!) answers.push(await connection.ask(request))
      return answers
    }),
  )
  const ms = performance.now() - started
  for (const connection of connections) connection.close()
  return { ms, answers }
}
