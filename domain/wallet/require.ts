import { DomainError } from '../errors.ts'
import { available, type WalletState } from './state.ts'

/** Throws `SignerNotAllowed`. */
export function requireOwner({ walletId, owner }: WalletState, signer: string): void {
  if (signer !== owner) throw new DomainError('SignerNotAllowed', { needed: 'owner', walletId })
}

/**
 * What becomes of a command that was carried out longer ago than its answer is remembered: nothing, when it asks for the same. Throws
 * `CommandIdReused` when its id was used for something else.
 */
export function requireSame(commandId: string, isSame: boolean): [] {
  if (!isSame) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId })
  return []
}

/** Throws `WalletFrozen` while the wallet owes. */
export function requireNoDebt({ walletId, shortfall }: WalletState): void {
  if (shortfall > 0n) throw new DomainError('WalletFrozen', { walletId, shortfall: String(shortfall) })
}

/** Throws `WalletFrozen` and `FundsInsufficient`. */
export function requireAvailable(state: WalletState, amount: bigint): void {
  requireNoDebt(state)
  const { walletId } = state
  const there = available(state)
  if (amount > there) throw new DomainError('FundsInsufficient', { walletId, available: String(there), needed: String(amount) })
}
