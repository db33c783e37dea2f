import type { Allotment } from '../../domain/airdrop/events.ts'
import type { AirdropResult } from '../../domain/airdrop/result.ts'
import { fundId } from '../../domain/fund/decider.ts'
import type { AirdropMoneyItem, CampaignItem } from '../ports.ts'
import { type Settling, settlingCommand } from './settlement.ts'
import type { Todo } from './todo-runner.ts'

/** What ends a campaign's window, pays a batch, or settles it; its list is published by `publishTodo`. */
export function campaignTodo({ campaignId, step, batches }: CampaignItem, settling: Settling): Todo {
  const key = `campaign:${campaignId}:${step}:${batches}`
  const command = (type: string, data: Readonly<Record<string, number>> = {}) =>
    settlingCommand(type, campaignId, data, step === 'release' ? `${campaignId}\n${data.n}` : campaignId, settling)
  switch (step) {
    case 'close':
      return { key, commands: [command('CloseWindow')] }
    case 'release':
      return { key, commands: [command('ReleasePayouts', { n: batches + 1 })] }
    case 'settle':
      return { key, commands: [command('SettleCampaign')] }
    case 'publish':
      throw new Error('a list is published by what computes it')
  }
}

/** What brings the fund's money into a campaign, or what is left of it back. */
export function airdropMoneyTodo({ proposalId, campaignId, step }: AirdropMoneyItem, settling: Settling): Todo {
  const data = { proposalId }
  const command =
    step === 'fund'
      ? settlingCommand('RecordCampaignFunding', campaignId, data, proposalId, settling)
      : settlingCommand('RecordReturn', fundId, { ...data, campaignId }, proposalId, settling)
  return { key: `${step}:${proposalId}`, commands: [command] }
}

const pageMax = 100

/**
 * What writes a campaign's list into the log, page by page, and then publishes it. The first `listed` pages are there: asked for again at another
 * time, under the id that they have, they would be refused.
 */
export function publishTodo({ campaignId, allotments, publication }: AirdropResult, listed: number, settling: Settling): Todo {
  const pages = pagesOf(allotments).map((allotments, index) =>
    settlingCommand('ListAllotments', campaignId, { n: index + 1, allotments }, `${campaignId}\n${index + 1}`, settling),
  )
  const publish = settlingCommand('PublishAllotments', campaignId, { ...publication }, campaignId, settling)
  return { key: `publish:${campaignId}`, commands: [...pages.slice(listed), publish] }
}

function pagesOf(allotments: readonly Allotment[]): Allotment[][] {
  const count = Math.ceil(allotments.length / pageMax)
  return Array.from({ length: count }, (_, page) => allotments.slice(page * pageMax, (page + 1) * pageMax))
}
