import * as assert from 'uvu/assert'
import { routes } from '../../api/app.ts'
import { problemsOf } from '../../api/openapi.ts'
import { problems } from '../../api/problem.ts'
import type { Route } from '../../api/route.ts'
import type { Reply } from './harness.ts'

/** Every answer of every test is one that the OpenAPI document promises: its status, its problem, its shape and its headers. */
export function isDocumented(method: string, path: string, reply: Reply): void {
  const route = routeOf(method, path)
  if (!route) return
  const { status, headers, body, text } = reply
  const where = `${method} ${path} ${status}: ${text.slice(0, 300)}`
  if (status === 304) return assert.ok(route.successes[200]?.headers?.ETag, where)
  const success = route.successes[status]
  if (method !== 'HEAD' && headers.get('content-type') === 'application/problem+json') {
    assert.ok(problemsOf(route).includes(body.code), `undocumented problem, ${where}`)
    assert.is(problems[body.code as keyof typeof problems].status, status, where)
    return
  }
  if (method === 'HEAD') return
  assert.ok(success, `undocumented status, ${where}`)
  if (success.schema) {
    const { error } = success.schema.safeParse(body)
    assert.ok(!error, `${where}\n${error?.message}`)
  }
  if (status === 200 && success.headers?.ETag) assert.ok(headers.get('etag'), `no ETag, ${where}`)
}

function routeOf(method: string, path: string): Route | undefined {
  const segments = path.split('?')[0]!.split('/')
  return routes.find((route) => {
    const pattern = route.path.split('/')
    const fits = pattern.every((segment, index) => segment === segments[index] || (segment[0] === ':' && segments[index]))
    return fits && pattern.length === segments.length && route.method === (method === 'HEAD' ? 'GET' : method)
  })
}
