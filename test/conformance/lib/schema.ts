// Message shapes, read out of the generated stubs of @eventstore/db-client.
// The stubs do not encode or decode here: they lose the presence of fields and, in places, 64-bit precision.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Field, Scalar, Shape } from './codec.ts'

/** `methods` by `package.Service/Method`; `details` are the messages that an error can carry, by full name. */
export interface Schema {
  readonly methods: Readonly<Record<string, Method>>
  readonly details: Readonly<Record<string, Shape>>
}

interface Method {
  readonly path: string
  readonly request: Shape
  readonly response: Shape
}

// A message class as protoc-gen-js writes it, and the service definitions of grpc-tools.
interface MessageType {
  readonly prototype: object
  deserializeBinaryFromReader(message: unknown, reader: unknown): unknown
}
type Generated = { readonly [name: string]: MessageType & Generated }
interface MethodDefinition {
  readonly path: string
  readonly requestType: MessageType
  readonly responseType: MessageType
}

const services = [
  'streams',
  'persistent',
  'gossip',
  'serverfeatures',
  'projections',
  'users',
  'operations',
  'monitoring',
  'cluster',
]
const wellKnown = ['any', 'empty', 'struct', 'timestamp', 'duration']

// By the reader's method that the stub calls for the field.
const kinds: Readonly<Record<string, Scalar>> = {
  Bool: 'bool',
  Bytes: 'bytes',
  String: 'string',
  Enum: 'int32',
  Int32: 'int32',
  Uint32: 'uint32',
  Float: 'float',
  Double: 'double',
  Int64: 'int64',
  Int64String: 'int64',
  Uint64: 'uint64',
  Uint64String: 'uint64',
}

/** Throws when the installed client's stubs do not read as expected. */
export function loadSchema(): Schema {
  const main = createRequire(import.meta.url).resolve('@eventstore/db-client')
  const load = createRequire(join(packageRoot(main), 'generated', '/'))

  const modules: Record<string, Generated> = {}
  for (const name of [...services, 'shared', 'status']) modules[`${name}_pb`] = load(`./${name}_pb.js`)
  for (const name of wellKnown) modules[`google_protobuf_${name}_pb`] = load(`google-protobuf/google/protobuf/${name}_pb.js`)

  // 'streams_pb.AppendReq', 'proto.event_store.client.UUID': a class as the stubs name it in their own code.
  const { proto } = globalThis as unknown as { proto: Generated }
  function typeNamed(path: string): MessageType {
    const [head = '', ...rest] = path.split('.')
    const found = rest.reduce<Generated | undefined>((at, key) => at?.[key], head === 'proto' ? proto : modules[head])
    if (!found) throw new Error(`@eventstore/db-client has no message ${path}`)
    return found as unknown as MessageType
  }

  const shapes = new Map<MessageType, Shape>()
  function shapeOf(type: MessageType): Shape {
    const known = shapes.get(type)
    if (known) return known
    const shape: Shape = { fields: [] }
    shapes.set(type, shape) // before its fields: messages can contain themselves
    shape.fields.push(...fieldsOf(type, (path) => shapeOf(typeNamed(path))))
    return shape
  }

  const methods: Record<string, Method> = {}
  for (const name of services) {
    for (const service of Object.values(load(`./${name}_grpc_pb.js`) as Record<string, object>)) {
      for (const method of Object.values(service)) {
        if (!isMethod(method)) continue
        const { path, requestType, responseType } = method
        methods[path.slice(1)] = { path, request: shapeOf(requestType), response: shapeOf(responseType) }
      }
    }
  }

  // The server also takes a relative deadline; the stubs of this client version lack the field.
  shapeOf(typeNamed('streams_pb.BatchAppendReq.Options')).fields.push({
    number: 7,
    name: 'deadlineDuration',
    kind: 'message',
    message: shapeOf(typeNamed('google_protobuf_duration_pb.Duration')),
    presence: true,
  })

  const details: Record<string, Shape> = { 'google.protobuf.Empty': shapeOf(typeNamed('google_protobuf_empty_pb.Empty')) }
  for (const [name, type] of Object.entries(modules.shared_pb ?? {})) details[`event_store.client.${name}`] = shapeOf(type)

  return { methods, details }
}

// Beside the service definitions the stubs export client classes.
const isMethod = (member: object | undefined): member is MethodDefinition => member !== undefined && 'requestType' in member

function packageRoot(main: string): string {
  let directory = dirname(main)
  while (!existsSync(join(directory, 'generated'))) directory = dirname(directory)
  return directory
}

// The numbers and types of a message's fields stand nowhere but in the source of its reading method.
function* fieldsOf(type: MessageType, shapeNamed: (path: string) => Shape): Generator<Field> {
  const source = type.deserializeBinaryFromReader.toString()
  for (const [, digits, body = ''] of source.matchAll(/case (\d+):([\s\S]*?)break;/g)) {
    const number = Number(digits)
    const [, verb, accessor = ''] = body.match(/msg\.(set|add|get)(\w+)\(/) ?? []
    const name = accessor.charAt(0).toLowerCase() + accessor.slice(1)
    const nested = body.match(/new ([\w.]+);/)?.[1]
    const kind = kinds[body.match(/reader\.read(\w+)\(\)/)?.[1] ?? '']
    const common = { number, name, repeated: verb === 'add', presence: `has${accessor}` in type.prototype }
    if (verb === 'get') yield { number, name: name.replace(/Map$/, ''), kind: 'map' }
    else if (nested) yield { ...common, kind: 'message', message: shapeNamed(nested) }
    else if (kind) yield { ...common, kind }
    else throw new Error(`field ${number} of a message of @eventstore/db-client is of no known kind: ${body}`)
  }
}
