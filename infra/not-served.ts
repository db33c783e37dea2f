import { ChainUnavailable, StoreUnavailable, type SubmitCommand } from '../commands/ports.ts'
import type { Requests } from '../commands/requests/submit.ts'
import type { Progress } from '../projections/progress.ts'
import type { Queries } from '../projections/queries.ts'

// What an instance without the role commands, or queries, gives its API in their place. Another instance may do it: 503.

export class NotServed extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'NotServed'
  }
}

export const noCommands: SubmitCommand = async () => {
  throw new StoreUnavailable('this instance takes no commands')
}

/** Where there is no node, or not here. */
export const noChain = async (): Promise<never> => {
  throw new ChainUnavailable('this instance has no Flopcoin node')
}

const noRequest = async () => {
  throw new NotServed('this instance serves nothing private')
}

export const noRequests: Requests = { submit: noRequest, read: noRequest }

/** Every query throws `NotServed`. */
export const noQueries = new Proxy({} as Queries & Progress, {
  get: () => async () => {
    throw new NotServed('this instance answers no queries')
  },
})
