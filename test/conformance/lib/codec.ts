// Protocol buffers <-> plain objects. 64-bit numbers are decimal texts, bytes are text when they are valid UTF-8, else 'hex:…'.
// A field with presence (message, oneof member) appears only when it was on the wire; other fields always appear.
// A field the schema does not know is kept as `field <number>`.

export type Scalar = 'bool' | 'bytes' | 'string' | 'float' | 'double' | 'int32' | 'uint32' | 'int64' | 'uint64'

/** A field of a message. A `map` has text keys and values that stay bytes. */
export type Field = { readonly number: number; readonly name: string; readonly repeated?: boolean; readonly presence?: boolean } & (
  | { readonly kind: Scalar }
  | { readonly kind: 'map' }
  | { readonly kind: 'message'; readonly message: Shape }
)

type ValueField = Exclude<Field, { readonly kind: 'map' }>

export interface Shape {
  readonly fields: Field[]
}

/** What a scenario sends: fields by name; undefined and null mean that the field is left out. */
export type Outgoing = Readonly<Record<string, unknown>>

/**
 * A decoded message. Which fields came, and of what kind, is what the scenarios are there to find out, so no shape is
 * assumed: a field that should have come and did not makes the scenario fail.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above; this is the one loose type, everything else is checked.
export type Wire = any

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

/** Throws when the object has a field that the shape does not have. */
export function encode(shape: Shape, object: Outgoing): Buffer {
  const parts: Buffer[] = []
  for (const [key, value] of Object.entries(object)) {
    const field = shape.fields.find((candidate) => candidate.name === key)
    if (!field) throw new Error(`no field ${key} among ${shape.fields.map(({ name }) => name).join(', ')}`)
    if (value === undefined || value === null) continue
    if (field.kind === 'map') {
      for (const entry of Object.entries(value as Record<string, string>))
        parts.push(tag(field.number, delimited), sized(mapEntry(entry)))
    } else {
      for (const item of field.repeated ? (value as unknown[]) : [value]) parts.push(encodeField(field, item))
    }
  }
  return Buffer.concat(parts)
}

function encodeField(field: ValueField, value: unknown): Buffer {
  switch (field.kind) {
    case 'message':
      return Buffer.concat([tag(field.number, delimited), sized(encode(field.message, value as Outgoing))])
    case 'string':
      return Buffer.concat([tag(field.number, delimited), sized(Buffer.from(value as string, 'utf8'))])
    case 'bytes':
      return Buffer.concat([tag(field.number, delimited), sized(toBytes(value as string | Uint8Array))])
    case 'bool':
      return Buffer.concat([tag(field.number, varint), writeVarint(value ? 1n : 0n)])
    case 'float': {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(value as number)
      return Buffer.concat([tag(field.number, fixed32), bytes])
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(value as number)
      return Buffer.concat([tag(field.number, fixed64), bytes])
    }
    default:
      return Buffer.concat([tag(field.number, varint), writeVarint(BigInt.asUintN(64, BigInt(value as string | number | bigint)))])
  }
}

const mapEntry = ([key, value]: [string, string]) =>
  Buffer.concat([tag(1, delimited), sized(Buffer.from(key)), tag(2, delimited), sized(Buffer.from(value))])

const tag = (number: number, wire: number) => writeVarint(BigInt(number * 8 + wire))
const sized = (bytes: Buffer) => Buffer.concat([writeVarint(BigInt(bytes.length)), bytes])

function writeVarint(value: bigint): Buffer {
  const bytes: number[] = []
  while (value > 127n) {
    bytes.push(Number(value & 127n) | 128)
    value >>= 7n
  }
  bytes.push(Number(value))
  return Buffer.from(bytes)
}

export function toBytes(value: string | Uint8Array): Buffer {
  if (typeof value !== 'string') return Buffer.from(value)
  return value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : Buffer.from(value, 'utf8')
}

export function fromBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : `hex:${bytes.toString('hex')}`
}

export function decode(shape: Shape, bytes: Buffer): Wire {
  const object: Record<string, Wire> = {}
  for (const field of shape.fields) {
    if (field.repeated) object[field.name] = []
    else if (field.kind === 'map') object[field.name] = {}
    else if (!field.presence && field.kind !== 'message') object[field.name] = defaults[field.kind]
  }
  for (const { number, value } of wireFields(bytes)) {
    const field = shape.fields.find((candidate) => candidate.number === number)
    if (!field) object[`field ${number}`] = Buffer.isBuffer(value) ? fromBytes(value) : String(value)
    else if (field.kind === 'map') Object.assign(object[field.name], decodeEntry(value as Buffer))
    else if (field.repeated) object[field.name].push(decodeField(field, value))
    else object[field.name] = decodeField(field, value)
  }
  return object
}

const defaults: Record<Scalar, unknown> = {
  bool: false,
  bytes: '',
  string: '',
  int32: 0,
  uint32: 0,
  float: 0,
  double: 0,
  int64: '0',
  uint64: '0',
}

// The wire type of a value is that of its kind, or the server does not speak protocol buffers: then this throws.
function decodeField(field: ValueField, value: bigint | Buffer): Wire {
  switch (field.kind) {
    case 'message':
      return decode(field.message, value as Buffer)
    case 'string':
      return (value as Buffer).toString('utf8')
    case 'bytes':
      return fromBytes(value as Buffer)
    case 'bool':
      return value !== 0n
    case 'float':
      return (value as Buffer).readFloatLE(0)
    case 'double':
      return (value as Buffer).readDoubleLE(0)
    case 'int32':
      return Number(BigInt.asIntN(32, value as bigint))
    case 'uint32':
      return Number(value as bigint)
    case 'int64':
      return String(BigInt.asIntN(64, value as bigint))
    case 'uint64':
      return String(value)
  }
}

function decodeEntry(bytes: Buffer): Record<string, string> {
  let [key, entry] = [Buffer.alloc(0), Buffer.alloc(0)]
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1) key = value as Buffer<ArrayBuffer>
    else entry = value as Buffer<ArrayBuffer>
  }
  return { [key.toString('utf8')]: fromBytes(entry) }
}

function* wireFields(bytes: Buffer): Generator<{ number: number; value: bigint | Buffer }> {
  let at = 0
  const readVarint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('a message was cut off')
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number) => bytes.subarray(at, (at += length))
  while (at < bytes.length) {
    const key = Number(readVarint())
    const wire = key & 7
    const value = wire === varint ? readVarint() : take(wire === delimited ? Number(readVarint()) : wire === fixed64 ? 8 : 4)
    yield { number: key >> 3, value }
  }
}
