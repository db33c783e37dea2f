// Recorded answers: one JSON file for each scenario file, and the comparison with what a server answers now.
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Plain } from './normalise.ts'

/** One thing a scenario recorded, normalised. */
export interface Answer {
  readonly label: string
  readonly value: Plain
}

/** The answers of a file's scenarios, by the scenario's name. */
export type Answers = Record<string, readonly Answer[]>

/** `path`: where in the value, '' for the whole of it. */
export interface Difference {
  readonly label: string
  readonly path: string
  readonly expected: Plain
  readonly got: Plain
}

/** Empty when nothing was recorded for that file. */
export async function loadAnswers(directory: string, file: string): Promise<Answers> {
  const path = join(directory, `${file}.json`)
  return existsSync(path) ? JSON.parse(await readFile(path, 'utf8')) : {}
}

export async function saveAnswers(directory: string, file: string, answers: Answers): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${file}.json`), `${JSON.stringify(answers, null, 1)}\n`)
}

/** The first label whose values differ; undefined when all are equal. */
export function firstDifference(expected: readonly Answer[], got: readonly Answer[]): Difference | undefined {
  for (let index = 0; index < Math.max(expected.length, got.length); index++) {
    const [left, right] = [expected[index], got[index]]
    if (left?.label !== right?.label) {
      return { label: left?.label ?? right?.label ?? '', path: '', expected: left?.value, got: right?.value }
    }
    const difference = diff(withoutText(left?.value), withoutText(right?.value), '')
    if (difference) return { label: left?.label ?? '', ...difference }
  }
  return undefined
}

function diff(expected: Plain, got: Plain, path: string): Omit<Difference, 'label'> | undefined {
  if (isDeepStrictEqual(expected, got)) return undefined
  if (Array.isArray(expected) && Array.isArray(got)) {
    for (let index = 0; index < Math.max(expected.length, got.length); index++) {
      const difference = diff(expected[index], got[index], `${path}[${index}]`)
      if (difference) return difference
    }
  } else if (isObject(expected) && isObject(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const difference = diff(expected[key], got[key], `${path}.${key}`)
      if (difference) return difference
    }
  }
  return { path, expected, got }
}

const isObject = (value: Plain): value is { [name: string]: Plain } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// Free texts (messages, and the `reason` trailer) are kept for the reader, but no server has to use the same words.
function withoutText(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(withoutText)
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([key]) => !(key === 'text' && 'code' in value))
  return Object.fromEntries(
    entries.map(([key, item]) => [key, key === 'reason' && 'stream-name' in value ? 'any text' : withoutText(item)]),
  )
}
