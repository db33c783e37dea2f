import type { Groups } from '../groups/registry.ts'
import type { Node } from '../node.ts'
import type { Projections } from '../projections/projections.ts'
import { lookAtMachine } from '../status/machine.ts'
import { pageHeaders, statusPage } from '../status/page.ts'
import { listStreams } from '../status/streams.ts'
import type { Store } from '../store.ts'
import type { Answer, Request, Route } from './routes.ts'

export interface Looked {
  readonly node: Node
  readonly store: Store
  readonly groups: Groups
  readonly projections: Projections
  readonly directory: string | undefined
}

/** The page for a person. It names streams and groups, so on a server with users it is not for all of them. */
export function statusRoutes(looked: Looked): readonly Route[] {
  const answer = (request: Request) => status(looked, request)
  return [
    { method: 'GET', path: '/', audience: 'operators', answer },
    { method: 'GET', path: '/web', audience: 'operators', answer },
  ]
}

const longestPrefix = 500

async function status({ node, store, groups, projections, directory }: Looked, { query }: Request): Promise<Answer> {
  const prefix = (query.get('prefix') ?? '').slice(0, longestPrefix)
  const before = query.get('before')
  if (before !== null && !/^\d{1,15}$/.test(before)) return { status: 400 }
  const machine = await lookAtMachine(directory)
  const body = statusPage({
    now: Date.now(),
    isSecure: node.isSecure,
    end: store.feed.position,
    streamCount: store.log.nextStream - 1,
    machine,
    search: { prefix, isContinued: before !== null },
    list: listStreams(store, prefix, before === null ? undefined : Number(before)),
    groups: groups.list(),
    projections: projections.list(),
  })
  return { status: 200, type: 'text/html; charset=utf-8', body, headers: pageHeaders }
}
