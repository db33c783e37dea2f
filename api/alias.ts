import { z } from 'zod'
import type { CommandType } from '../commands/catalogue.ts'
import type { RequestType } from '../commands/requests/catalogue.ts'
import { idSchema } from '../domain/ids.ts'
import { type ExampleType, exampleEnvelope } from './examples.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'
import { type Route, route } from './route.ts'
import { envelopeOf } from './schemas.ts'
import { commandBodyBytesMax, commandOf, commandRefusals, commandSuccesses, submit } from './submitting.ts'

/**
 * An address that takes one type of command. `:id` in its path is the command's subject, and any other parameter the field of that
 * name in the command's data.
 */
export function alias(path: string, type: ExampleType, summary: string, problems: readonly ProblemCode[]): Route {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!)
  const bound = names.map((name) => (name === 'id' ? 'subject' : `data.${name}`))
  const about = bound.length ? `, whose ${bound.map((field) => `\`${field}\``).join(' and ')} must be the path's` : ''
  return route({
    method: 'POST',
    path,
    tag: 'Commands',
    summary,
    description: `Takes \`${type}\` only${about}; otherwise as \`POST /v1/commands\`.`,
    ...(names.length && { params: z.strictObject(Object.fromEntries(names.map((name) => [name, idSchema]))) }),
    body: { schema: envelopeOf(type), bytesMax: commandBodyBytesMax, example: exampleEnvelope(type) },
    successes: commandSuccesses,
    problems: [...commandRefusals, 'CommandNotForThisRoute', ...problems],
    lane: 'command',
    handle(asked, deps) {
      checkRoute(asked.body, type, asked.params)
      return submit(asked, deps)
    },
  })
}

/**
 * Throws `CommandNotForThisRoute` for a command of another type, or about something else than the path says. A body that is no
 * envelope goes on: the command's own checks say better what is wrong with it.
 */
export function checkRoute(body: unknown, type: CommandType | RequestType, params: Readonly<Record<string, string>> = {}): void {
  const command = commandOf(body)
  if (typeof command?.type === 'string' && command.type !== type) refuse('command.type', `must be ${type} here`)
  for (const [name, id] of Object.entries(params)) {
    const field = name === 'id' ? 'command.subject' : `command.data.${name}`
    const value = name === 'id' ? command?.subject : (command?.data as Readonly<Record<string, unknown>> | undefined)?.[name]
    if (typeof value === 'string' && value !== id) refuse(field, 'must be the id in the path')
  }
}

function refuse(field: string, reason: string): never {
  throw new ApiProblem('CommandNotForThisRoute', { field, reason })
}
