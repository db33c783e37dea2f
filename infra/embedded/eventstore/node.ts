import { randomUUID } from 'node:crypto'

/** The EventStoreDB whose behaviour this server has. */
export const serverVersion = '24.2.0'

/** What clients are told to dial, where it is not what they dialled. */
export interface Advertise {
  readonly host?: string | undefined
  readonly port?: number | undefined
}

export interface NodeOptions {
  readonly advertise: Advertise
  readonly isSecure: boolean
  readonly hasAtomPub: boolean
  /** What the server was told, in EventStoreDB's names. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** The one member of the cluster that others see. */
export class Node {
  readonly instanceId = randomUUID()
  readonly isSecure: boolean
  readonly hasAtomPub: boolean
  readonly settings: NodeOptions['settings']
  readonly #advertise: Advertise

  constructor({ advertise, isSecure, hasAtomPub, settings }: NodeOptions) {
    this.#advertise = advertise
    this.isSecure = isSecure
    this.hasAtomPub = hasAtomPub
    this.settings = settings
  }

  /**
   * Where a client finds this node: at the authority by which it did, which holds through port mappings and for every name of the machine,
   * unless another address was given. Undefined when the authority is none.
   */
  addressFor(authority: string): Address | undefined {
    const { host, port } = this.#advertise
    const dialled = URL.parse(`${this.isSecure ? 'https' : 'http'}://${authority}`)
    if (!dialled || authority === '') return undefined
    const standardPort = this.isSecure ? 443 : 80
    return { host: host ?? dialled.hostname.replace(/^\[|\]$/g, ''), port: port ?? Number(dialled.port || standardPort) }
  }
}
