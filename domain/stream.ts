/** What a stream holds; the middle part of its name. Later issues add task, service, review. */
export const categories = [
  'network',
  'node',
  'heartbeat',
  'health',
  'reputation',
  'attestation',
  'wallet',
  'escrow',
  'fund',
  'airdrop',
  'audit',
] as const
export type Category = (typeof categories)[number]

/** `<namespace>_<category>-<id>`; the namespace is `dux` unless DUXNET_NAMESPACE says otherwise. */
export function streamName(namespace: string, category: Category, id: string): string {
  return `${namespace}_${category}-${id}`
}

/** The one prefix by which every subscription of a namespace is filtered. */
export function streamPrefix(namespace: string): string {
  return `${namespace}_`
}

/** The parts of a stream's name; undefined when it is not one of `namespace`. */
export function parseStreamName(namespace: string, stream: string): { category: string; id: string } | undefined {
  const prefix = streamPrefix(namespace)
  if (!stream.startsWith(prefix)) return undefined
  const dash = stream.indexOf('-', prefix.length)
  return dash < 0 ? undefined : { category: stream.slice(prefix.length, dash), id: stream.slice(dash + 1) }
}

const parts = /^[a-z0-9]+_([a-zA-Z]+)-(.+)$/

/** The same of whatever namespace; undefined for what is no stream of a network. */
export function partsOfStream(stream: string): { readonly category: Category; readonly id: string } | undefined {
  const [, category, id] = parts.exec(stream) ?? []
  return id !== undefined && (categories as readonly string[]).includes(category!)
    ? { category: category as Category, id }
    : undefined
}
