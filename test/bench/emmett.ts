// What is used of the peer. It is installed apart and loaded by a path that the type checker does not follow.

export interface EmmettEvent {
  readonly type: string
  readonly data: object
  readonly metadata: object
}

export interface EmmettStore {
  appendToStream(stream: string, events: readonly EmmettEvent[]): Promise<unknown>
  close(): Promise<void>
}

interface Emmett {
  openStore(url: string): Promise<EmmettStore>
  countingProjection(name: string): object
  rebuild(url: string, projection: object): Promise<void>
}

export async function loadEmmett(): Promise<Emmett> {
  const path = new URL('./peers/emmett.js', import.meta.url).href
  return (await import(path)) as Emmett
}

export const emmettPackage = '@event-driven-io/emmett-postgresql'
