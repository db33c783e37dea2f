import { code, Status } from '../grpc/status.ts'

/** Does few things at a time and lets some wait; what would have to wait longer is refused. */
export class SlowWork {
  readonly #atOnce: number
  readonly #mayWait: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnce: number, mayWait: number) {
    this.#atOnce = atOnce
    this.#mayWait = mayWait
  }

  /** Rejects with UNAVAILABLE when too many wait already. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#mayWait) throw new Status(code.unavailable, 'Server Is Too Busy')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await task()
    } finally {
      // Whoever waited longest takes this place.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
