import type { SignedCommand } from '../../domain/envelope.ts'
import { contributionsDigest } from '../../domain/fund/contributions.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { uuidV5 } from '../../domain/ids.ts'
import { sourceKey } from '../../domain/wallet/state.ts'
import type { CreditItem, DeadlineItem, HoldItem, Unswept } from '../ports.ts'
import type { Todo } from './todo-runner.ts'

/** Who asks, and when. */
export interface Settling {
  readonly networkId: string
  readonly now: Date
}

/**
 * What closes a hold. Once its escrow is funded, the money can be captured at once: nobody need wait for the read model to say so.
 */
export function holdTodo({ escrowId, client, step }: HoldItem, settling: Settling): Todo {
  const fund = () => settlingCommand('RecordFunding', escrowId, {}, escrowId, settling)
  const capture = () => settlingCommand('CaptureHold', client, { escrowId }, escrowId, settling)
  const release = () => settlingCommand('ReleaseHold', client, { escrowId }, escrowId, settling)
  const commands = { fund: () => [fund(), capture()], capture: () => [capture()], release: () => [release()] }
  return { key: `hold:${escrowId}`, commands: commands[step]() }
}

/** What brings money into the wallet that it is for; how much it is, the source says. */
export function creditTodo({ source, walletId }: CreditItem, settling: Settling): Todo {
  const key = sourceKey(source)
  return { key, commands: [settlingCommand('PostCredit', walletId, { source }, key, settling)] }
}

/** What ends a state whose time is over; an escrow may be in the same state twice, never until the same instant. */
export function deadlineTodo({ escrowId, status, dueAt }: DeadlineItem, settling: Settling): Todo {
  const item = `${escrowId}\n${status}\n${dueAt}`
  return { key: `deadline:${item}`, commands: [settlingCommand('PassDeadline', escrowId, { status, dueAt }, item, settling)] }
}

/** What brings all contributions into the fund that are not in it yet; nothing when there are none. A range has one sweep, whoever sends it. */
export function sweepTodos({ sweptToIndex, contributions }: Unswept, settling: Settling): Todo[] {
  const last = contributions.at(-1)
  if (!last) return []
  const fromIndex = sweptToIndex + 1
  const data = {
    fromIndex,
    toIndex: last.index,
    count: contributions.length,
    amount: String(contributions.reduce((sum, { amount }) => sum + amount, 0n)),
    listDigest: contributionsDigest(contributions),
  }
  return [
    { key: `sweep:${fromIndex}`, commands: [settlingCommand('SweepContributions', fundId, data, String(fromIndex), settling)] },
  ]
}

/** The same item makes the same command id, whoever asks and however often. */
export function settlingCommand(
  type: string,
  subject: string,
  data: SignedCommand['data'],
  item: string,
  { networkId, now }: Settling,
): SignedCommand {
  return {
    type,
    subject,
    data,
    commandId: uuidV5(networkId, `settlement\n${type}\n${item}`),
    issuedAt: now.toISOString(),
    audience: networkId,
  }
}
