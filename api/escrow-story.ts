import type { DomainEvent } from '../domain/catalogue.ts'

/** What an event did to an escrow, in a sentence; amounts in minor units. */
export function sentenceOf({ type, data }: DomainEvent): string {
  switch (type) {
    case 'EscrowOpened':
      return `The client opened the escrow over ${data.amount}.`
    case 'HoldPlaced':
      return `The client's wallet put ${data.amount} aside for it.`
    case 'EscrowFunded':
      return 'The money was found put aside: the escrow is funded.'
    case 'HoldCaptured':
      return `${data.amount} moved from the client's wallet into the escrow.`
    case 'HoldReleased':
      return `The escrow was over before the money came: ${data.amount} are the client's to use again.`
    case 'EscrowStarted':
      return 'The provider began the work.'
    case 'EscrowDelivered':
      return `The provider delivered the result ${data.resultHash}.`
    case 'ResultVerified':
      return data.valid ? 'The result was found right.' : 'The result was found wrong.'
    case 'EscrowReleased':
      return `The result was accepted: ${data.providerAmount} are the provider's and ${data.fundAmount} the community fund's.`
    case 'EscrowPartlyRefunded':
      return `The provider gave ${data.amount} back.`
    case 'EscrowRefunded':
      return `${data.amount} go back to the client: ${refundReasons[data.reason]}.`
    case 'EscrowExpired':
      return data.reason === 'cancelled' ? 'The client called it off before it was funded.' : 'It was not funded in time.'
    case 'EscrowDisputed':
      return data.by === 'deadline' ? 'Nobody judged the result in time: a dispute was opened.' : `The ${data.by} opened a dispute.`
    case 'EvidenceAdded':
      return `The ${data.by} added evidence.`
    case 'DisputeVoted':
      return `An arbiter voted for ${data.providerAmount} to the provider.`
    case 'EscrowResolved':
      return `The ${data.by === 'arbiters' ? 'arbiters decided' : 'dispute stayed undecided'}: ${data.providerAmount} are the provider's, ${data.fundAmount} the community fund's and ${data.clientAmount} the client's.`
    case 'CreditPosted':
      return `${data.amount} came into wallet ${data.walletId}.`
    default:
      return ''
  }
}

const refundReasons = {
  cancelled: 'the client called it off before the work began',
  declined: 'the provider declined',
  not_started: 'the provider did not begin in time',
  not_delivered: 'nothing was delivered in time',
  invalid_result: 'the result was wrong and nobody disputed that',
} as const
