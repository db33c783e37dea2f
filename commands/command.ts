import type { z } from 'zod'
import type { DomainEvent } from '../domain/catalogue.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { NodeState } from '../domain/node/decider.ts'
import type { Category } from '../domain/stream.ts'

/** All that a decision is given but the state of its own stream: the checked command, who signed it, and the facts. */
export interface Given<Data = unknown> {
  readonly subject: string
  readonly data: Data
  readonly commandId: string
  readonly issuedAt: string
  readonly signer: string
  /** The server's clock. */
  readonly now: string
  readonly network: NetworkState
  /** The subject as a node, for the handlers that need it; undefined when it is none. */
  readonly node: NodeState | undefined
  /** Revision of the subject's last heartbeat, for the handlers that need it; -1 when there is none. */
  readonly heardRevision: number
  /** Whether the handler's `proof`, where it has one, was verified. */
  readonly proven: boolean
}

/** A signature inside a command, beside the command's own. */
export interface Proof {
  readonly publicKey: string
  readonly message: Uint8Array
  readonly signature: string
}

/** How one type of command is checked, which facts it needs, and how it is decided. */
export interface CommandHandler<Data = unknown> {
  readonly data: z.ZodType<Data>
  /** The stream that is folded and written is this category's of the command's subject. */
  readonly category: Category
  /** The other streams of the subject that the decision needs to know of, beside the network's. */
  readonly needs: readonly ('node' | 'heartbeat')[]
  /** Whether facts from memory, which may be old where other instances write, are too old for it. */
  readonly freshly?: true
  /** Who signed, in the network's terms: `node:<id>`, `authority`, `service:<role>`. */
  actor(given: Given<Data>): string
  proof?(given: Pick<Given<Data>, 'subject' | 'data' | 'commandId'> & { readonly networkId: string }): Proof
  decide(given: Given<Data>, state: unknown): readonly DomainEvent[]
}

interface Definition<Data, State> extends Omit<CommandHandler<Data>, 'decide'> {
  decide(given: Given<Data>, state: State): readonly DomainEvent[]
}

/** A handler whose types fit together: of the data and of the state. */
export function commandHandler<Data, State>(definition: Definition<Data, State>): CommandHandler {
  const handler: CommandHandler<Data> = {
    ...definition,
    // Whoever calls it hands over the fold of a stream of `category`.
    decide: (given, state) => definition.decide(given, state as State),
  }
  // Likewise `data`: by then the handler's own schema has checked it.
  return handler as CommandHandler
}
