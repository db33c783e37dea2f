import type { CampaignStatus } from '../domain/airdrop/state.ts'
import { type AllotmentRow, airdrops, allotmentId, type CampaignRow } from './airdrops.ts'
import { type Answer, answer, type NewestPage, type NewestPaging, newest, type Page, pageOf, type ReadDatabase } from './read.ts'

export interface CampaignListing extends NewestPaging {
  readonly status?: CampaignStatus | undefined
}

export interface AllotmentListing {
  readonly campaignId: string
  /** Only those that appealed. */
  readonly appealed?: boolean | undefined
  readonly limit: number
  /** The node that the page before ended with. */
  readonly after: string | undefined
}

export interface AirdropsQueries {
  findCampaign(campaignId: string): Promise<Answer<CampaignRow | undefined>>
  /** The campaign that published the list of a digest. */
  campaignOfList(listDigest: string): Promise<Answer<CampaignRow | undefined>>
  listCampaigns(listing: CampaignListing): Promise<Answer<NewestPage<CampaignRow>>>
  findAllotment(campaignId: string, nodeId: string): Promise<Answer<AllotmentRow | undefined>>
  /** In the order of node ids. */
  listAllotments(listing: AllotmentListing): Promise<Answer<Page<AllotmentRow, string>>>
  /** What all nodes were allotted, in the order of the list. */
  wholeList(campaignId: string): Promise<Answer<readonly Pick<AllotmentRow, 'nodeId' | 'amount'>[]>>
}

export function airdropsQueries(db: ReadDatabase): AirdropsQueries {
  const ofCampaign = (campaignId: string) => db.selectFrom('allotments').where('campaignId', '=', campaignId)
  return {
    async findCampaign(campaignId) {
      const query = db.selectFrom('campaigns').selectAll().where('campaignId', '=', campaignId)
      const { value, ...place } = await answer(db, airdrops, query)
      return { value: value[0], ...place }
    },
    async campaignOfList(listDigest) {
      const query = db.selectFrom('campaigns').selectAll().where('listDigest', '=', listDigest).orderBy('campaignId').limit(1)
      const { value, ...place } = await answer(db, airdrops, query)
      return { value: value[0], ...place }
    },
    listCampaigns({ status, ...paging }) {
      const all = db.selectFrom('campaigns').selectAll()
      const found = status === undefined ? all : all.where('status', '=', status)
      return newest(db, airdrops, found, ['announcedAt', 'campaignId'], paging)
    },
    async findAllotment(campaignId, nodeId) {
      const query = db.selectFrom('allotments').selectAll().where('id', '=', allotmentId(campaignId, nodeId))
      const { value, ...place } = await answer(db, airdrops, query)
      return { value: value[0], ...place }
    },
    async listAllotments({ campaignId, appealed, limit, after }) {
      let query = ofCampaign(campaignId).selectAll()
      if (appealed !== undefined) query = query.where('appealedAt', appealed ? 'is not' : 'is', null)
      if (after !== undefined) query = query.where('nodeId', '>', after)
      const page = query.orderBy('nodeId').limit(limit + 1)
      const { value, ...place } = await answer(db, airdrops, page, [['nodeId', 'asc']])
      return { value: pageOf(value, limit, ({ nodeId }) => nodeId), ...place }
    },
    wholeList(campaignId) {
      const query = ofCampaign(campaignId).where('amount', '>', 0n).select(['nodeId', 'amount']).orderBy('nodeId')
      return answer(db, airdrops, query, [['nodeId', 'asc']])
    },
  }
}
