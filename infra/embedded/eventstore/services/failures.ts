import { code, Status } from '../grpc/status.ts'

/** A write that the storage refused, a full disk for one: nothing of it was stored, and the store goes on. */
export const storeFailed = (error: Error) => new Status(code.resourceExhausted, `Nothing was written: ${error.message}`)
