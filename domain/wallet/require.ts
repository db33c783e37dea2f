import { DomainError } from '../errors.ts'
import { available, type WalletState } from './state.ts'

/** Throws `SignerNotAllowed`. */
export function requireOwner({ walletId, owner }: WalletState, signer: string): void {
  if (signer !== owner) throw new DomainError('SignerNotAllowed', { needed: 'owner', walletId })
}

/** Throws `SignerNotAllowed` unless `signer` is the network's key of a service. */
export function requireService(signer: string, serviceKey: string | undefined, role: 'settlement' | 'chain'): void {
  if (signer !== serviceKey) throw new DomainError('SignerNotAllowed', { needed: `service:${role}` })
}

/** Throws `WalletFrozen` and `FundsInsufficient`. */
export function requireAvailable(state: WalletState, amount: bigint): void {
  const { walletId, shortfall } = state
  if (shortfall > 0n) throw new DomainError('WalletFrozen', { walletId, shortfall: String(shortfall) })
  const there = available(state)
  if (amount > there) throw new DomainError('FundsInsufficient', { walletId, available: String(there), needed: String(amount) })
}
