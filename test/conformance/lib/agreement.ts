// What a server is held to: the recorded answers, and for our own server the deviations in their place.
import type { Deviation } from '../deviations.ts'
import { type Answer, type Answers, firstDifference, loadAnswers } from './answers.ts'
import { complaint, type Result } from './run.ts'
import type { Listed } from './scenario.ts'

export interface Agreement {
  readonly recorded: ReadonlyMap<string, Answers>
  readonly deviations: readonly Deviation[]
}

/** With the recorded answers of all files that the scenarios stand in. */
export async function loadAgreement(
  directory: string,
  scenarios: readonly Listed[],
  deviations: readonly Deviation[] = [],
): Promise<Agreement> {
  const files = [...new Set(scenarios.map(({ file }) => file))]
  const recorded = new Map(await Promise.all(files.map(async (file) => [file, await loadAnswers(directory, file)] as const)))
  return { recorded, deviations }
}

/** What a scenario must record; undefined when nobody has said. */
export function expectedAnswers(scenario: Listed, agreement: Agreement): readonly Answer[] | undefined {
  const answers = recordedAnswers(scenario, agreement)
  const ours = agreement.deviations.find((deviation) => deviation.scenario === scenario.id)?.ours
  if (!ours) return answers
  if (!answers) return Object.entries(ours).map(([label, value]) => ({ label, value }))
  return answers.map((answer) => (Object.hasOwn(ours, answer.label) ? { ...answer, value: ours[answer.label] } : answer))
}

const recordedAnswers = ({ file, name }: Listed, { recorded }: Agreement) => recorded.get(file)?.[name]

/** What is wrong with a result, for a person to read; undefined when nothing is. */
export function judge(scenario: Listed, result: Result, agreement: Agreement): string | undefined {
  const wrong = complaint(expectedAnswers(scenario, agreement) ?? [], result)
  const theirs = recordedAnswers(scenario, agreement)
  const needless = wrong !== undefined && theirs !== undefined && complaint(theirs, result) === undefined
  return needless ? 'answers as the real server does: it needs no deviation' : wrong
}

/** What is wrong with the deviations in themselves, one line for each. */
export function badDeviations(agreement: Agreement, scenarios: readonly Listed[]): string[] {
  const { deviations } = agreement
  return deviations.flatMap(({ scenario: id, ours }, index) => {
    const scenario = scenarios.find((candidate) => candidate.id === id)
    if (!scenario) return [`${id}: there is no such scenario`]
    if (deviations.findIndex((other) => other.scenario === id) !== index) return [`${id}: deviates twice`]
    const answers = recordedAnswers(scenario, agreement)
    return Object.entries(ours).flatMap(([label, value]) => {
      const theirs = answers?.filter((answer) => answer.label === label) ?? []
      if (answers && theirs.length !== 1) return [`${id}: '${label}' stands for ${theirs.length} answers`]
      const same = theirs.some((answer) => !firstDifference([answer], [{ label, value }]))
      return same ? [`${id}: '${label}' is what the real server answers`] : []
    })
  })
}
