import { json, type Request, type Route } from './routes.ts'

const greeting = 'Ping request successfully handled'

/** What tells others that this node lives. */
export const nodeRoutes: readonly Route[] = [
  { method: 'GET', path: '/ping', audience: 'anyone', answer: ping },
  { method: 'GET', path: '/health/live', audience: 'anyone', answer: () => ({ status: 204 }) },
]

function ping({ headers }: Request) {
  const wantsText = headers.accept?.startsWith('text/plain')
  return wantsText ? { status: 200, type: 'text/plain; charset=utf-8', body: `Text: ${greeting}` } : json({ text: greeting })
}
