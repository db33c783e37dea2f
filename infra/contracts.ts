// Writes the contracts of events as files: `npm run contracts`. They are generated from the schemas that the program itself checks with.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asyncApiDocument } from '../api/asyncapi.ts'
import { eventJsonSchemas } from '../api/event-schemas.ts'
import { version } from './version.ts'

/** Every file of `docs/contracts/`, by its path there. */
export function contracts(): ReadonlyMap<string, string> {
  const text = (document: unknown) => `${JSON.stringify(document, null, 2)}\n`
  const schemas = [...eventJsonSchemas()].map(([name, schema]) => [`schemas/${name}.json`, text(schema)] as const)
  return new Map([['asyncapi.json', text(asyncApiDocument(version))], ...schemas])
}

/** Where they are kept. */
export const contractsDirectory = fileURLToPath(new URL('../docs/contracts/', import.meta.url))

if (import.meta.main) {
  rmSync(contractsDirectory, { recursive: true, force: true })
  mkdirSync(join(contractsDirectory, 'schemas'), { recursive: true })
  for (const [path, text] of contracts()) writeFileSync(join(contractsDirectory, path), text)
}
