import { GroupFailure } from '../groups/failure.ts'
import type { Groups } from '../groups/registry.ts'
import { type Answer, json, type Request, type Route } from './routes.ts'
import { details, summary } from './subscription-shapes.ts'

/** What can be seen and done with persistent subscription groups over HTTP; reading one needs gRPC. */
export const subscriptionRoutes = (groups: Groups): readonly Route[] => [
  {
    method: 'GET',
    path: '/subscriptions',
    audience: 'users',
    answer: ({ origin }) => json(groups.list().map((info) => summary(info, origin))),
  },
  { method: 'GET', path: '/subscriptions/:stream', audience: 'users', answer: (request) => groupsOf(groups, request) },
  { method: 'GET', path: '/subscriptions/:stream/:group/info', audience: 'users', answer: (request) => infoOf(groups, request) },
  {
    method: 'POST',
    path: '/subscriptions/:stream/:group/replayParked',
    audience: 'operators',
    answer: (request) => replayParked(groups, request),
  },
  { method: 'POST', path: '/subscriptions/restart', audience: 'operators', answer: () => restart(groups) },
]

function groupsOf(groups: Groups, { params, origin }: Request): Answer {
  return unlessRefused(
    () => json(groups.listOf(params.stream!).map((info) => summary(info, origin))),
    (status) => json([], status),
  )
}

const nothing = (status: number): Answer => ({ ...json('', status), body: '' })

function infoOf(groups: Groups, { params, origin }: Request): Answer {
  return unlessRefused(() => json(details(groups.info(params.stream!, params.group!), origin)), nothing)
}

function replayParked(groups: Groups, { params, query }: Request): Answer {
  const text = query.get('stopAt')
  const stopAt = text === null ? undefined : /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(stopAt)) return nothing(400)
  return unlessRefused(() => {
    groups.replayParked(params.stream!, params.group!, stopAt)
    return nothing(200)
  }, nothing)
}

async function restart(groups: Groups): Promise<Answer> {
  await groups.restart()
  return json('Restarting')
}

function unlessRefused(answer: () => Answer, refused: (status: number) => Answer): Answer {
  try {
    return answer()
  } catch (error) {
    if (!(error instanceof GroupFailure)) throw error
    return refused(error.kind === 'unknown' ? 404 : error.kind === 'refused' ? 400 : 503)
  }
}
