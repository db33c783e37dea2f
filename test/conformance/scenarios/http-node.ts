// The plain HTTP/1.1 surface that tooling looks at.
import type { Wire } from '../lib/codec.ts'
import { only } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const json = async (t: Toolkit, path: string) => {
  const { status, headers, body } = await t.http('GET', path)
  return { status, type: headers['content-type'], body: JSON.parse(body) }
}

export default [
  {
    name: 'http: health',
    section: 'HTTP',
    async run(t) {
      for (const path of ['/health/live', '/health/ready', '/health/live?liveCode=200', '/health']) {
        const { status, headers, body } = await t.http('GET', path)
        t.record(path, { status, type: headers['content-type'], body })
      }
      t.record('head', (await t.http('HEAD', '/health/live')).status)
      t.record('post', (await t.http('POST', '/health/live')).status)
    },
  },
  {
    name: 'http: ping',
    section: 'HTTP',
    async run(t) {
      const { body, ...answer } = await json(t, '/ping')
      t.record('ping', { ...answer, text: body.text })
      const { status, headers } = await t.http('GET', '/ping', { headers: { accept: 'text/plain' } })
      t.record('as text', { status, type: headers['content-type'] })
    },
  },
  {
    name: 'http: info',
    section: 'HTTP',
    async run(t) {
      const { status, type, body } = await json(t, '/info')
      t.record('answer', { status, type, keys: Object.keys(body), state: body.state })
      t.record('version', body.esVersion)
      t.record('features', Object.keys(body.features).sort())
      t.record('authentication', Object.keys(body.authentication).sort())
    },
  },
  {
    name: 'http: gossip',
    section: 'HTTP',
    async run(t) {
      const { status, type, body } = await json(t, '/gossip')
      t.record('answer', { status, type, keys: Object.keys(body) })
      t.record('member keys', body.members.map(Object.keys))
      t.record(
        'member',
        body.members.map((member: Wire) => only(member, 'state', 'isAlive', 'isReadOnlyReplica', 'esVersion')),
      )
      t.record('port is this one', body.members[0].httpEndPointPort === body.serverPort)
    },
  },
  {
    name: 'http: an unknown path and a wrong method',
    section: 'HTTP',
    async run(t) {
      t.record('unknown', (await t.http('GET', '/no/such/thing')).status)
      t.record('wrong method', (await t.http('DELETE', '/ping')).status)
    },
  },
] satisfies Scenario[]
