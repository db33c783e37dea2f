import { all } from '../groups/place.ts'
import { handlerThrew } from '../grpc/status.ts'

interface NamesGroup {
  getGroupName(): string
  hasAll(): boolean
  getStreamIdentifier(): Identifier | undefined
}

interface Identifier {
  getStreamName_asU8(): Uint8Array
}

/** The group that a request is about. */
export function named(options: NamesGroup | undefined): { stream: string; group: string } {
  if (!options) throw handlerThrew()
  return { stream: options.hasAll() ? all : nameOf(options.getStreamIdentifier()), group: options.getGroupName() }
}

export function nameOf(identifier: Identifier | undefined): string {
  if (!identifier) throw handlerThrew()
  return Buffer.from(identifier.getStreamName_asU8()).toString('utf8')
}
