import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { checkGeneration, readCursor, writeCursor } from '../../api/cursor.ts'
import { ApiProblem } from '../../api/problem.ts'

const cursor = suite('api/cursor')
const query = ['network', '/v1/nodes', { status: 'healthy', region: undefined }, 'nodeId']
const place = z.strictObject({ value: z.int(), nodeId: z.string() })

function refused(code: string, act: () => unknown): void {
  try {
    act()
  } catch (error) {
    assert.instance(error, ApiProblem)
    return assert.is((error as ApiProblem).code, code)
  }
  assert.unreachable('it was taken')
}

cursor('is read as it was written, in an address without escapes', () => {
  const text = writeCursor(query, { generation: 3, place: { value: -5, nodeId: 'é' } })
  assert.is(encodeURIComponent(text), text)
  assert.equal(readCursor(query, place, text), { generation: 3, place: { value: -5, nodeId: 'é' } })
})

cursor('is one of its query alone', () => {
  const text = writeCursor(query, { generation: 3, place: { value: 1, nodeId: 'a' } })
  for (const other of [
    ['other', ...query.slice(1)],
    [...query.slice(0, 3), '-nodeId'],
    [...query.slice(0, 2), {}, 'nodeId'],
  ])
    refused('CursorInvalid', () => readCursor(other, place, text))
})

cursor('is refused when it was changed or made up', () => {
  const text = writeCursor(query, { generation: 3, place: { value: 1, nodeId: 'a' } })
  for (const wrong of ['', '.', 'abc', 'abc.def', text.slice(1), `${text}x`, text.split('.')[0]!])
    refused('CursorInvalid', () => readCursor(query, place, wrong))
})

cursor('may bear a right checksum and still hold no place', () => {
  const forged = (content: string) => {
    const encoded = Buffer.from(content).toString('base64url')
    const sum = createHash('sha256')
      .update(JSON.stringify([...query, encoded]))
      .digest('base64url')
      .slice(0, 16)
    return `${encoded}.${sum}`
  }
  assert.is(readCursor(query, place, forged('[1,{"value":1,"nodeId":"a"}]')).generation, 1)
  for (const content of ['', '{', '[]', 'null', '[1,{"value":"1","nodeId":"a"}]', '["1",{"value":1,"nodeId":"a"}]', '[1]'])
    refused('CursorInvalid', () => readCursor(query, place, forged(content)))
})

cursor('expires with the generation', () => {
  checkGeneration(undefined, 2)
  checkGeneration({ generation: 2, place: 1 }, 2)
  refused('CursorExpired', () => checkGeneration({ generation: 2, place: 1 }, 3))
})

cursor.run()
