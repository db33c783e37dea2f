import { type AirdropResult, createAirdropFold, resultOf } from '../domain/airdrop/result.ts'
import type { EventStore } from './ports.ts'

/**
 * What the log makes of a campaign whose window is over, read from its beginning. Throws where the window is not over by what there is of
 * the log, and what the store throws.
 */
export async function computeAirdrop(store: Pick<EventStore, 'readAll'>, campaignId: string): Promise<AirdropResult> {
  const fold = createAirdropFold({ only: campaignId })
  for await (const event of store.readAll()) {
    fold.take(event)
    const judgeable = fold.standings(campaignId)
    if (judgeable) return resultOf(judgeable)
  }
  throw new Error(`the window of airdrop ${campaignId} is not over by the log`)
}
