/** Why the embedded Postgres could not be had; `message` says what a person can do about it. */
export type EmbeddedPostgresErrorCode =
  /** The given directory is a file, read-only, not ours, or holds something that is not a cluster. */
  | 'DirectoryUnusable'
  /** Another process serves this directory, or a former server would not end. */
  | 'DirectoryInUse'
  /** The disk, or the quota, of the directory is full. */
  | 'DiskFull'
  /** No binaries for this platform, or an installation without its install scripts. */
  | 'BinariesMissing'
  /** Postgres refuses root and no way to a lesser user was found; or it cannot reach the directory. */
  | 'NoUserToRunAs'
  /** The cluster was made by another major version of Postgres. */
  | 'VersionMismatch'
  | 'InitFailed'
  | 'StartFailed'
  /** It ran, ended by itself, and ended again at every restart. */
  | 'KeepsCrashing'

/** Every error of the embedded Postgres. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EmbeddedPostgresError'
    this.code = code
  }
}

/** What a failed file operation on `path` means to whoever chose the directory. */
export function directoryError(path: string, error: unknown): EmbeddedPostgresError {
  if (error instanceof EmbeddedPostgresError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const what = full ? 'there is no space left for' : 'cannot use'
  return new EmbeddedPostgresError(full ? 'DiskFull' : 'DirectoryUnusable', `Postgres: ${what} ${path} (${error})`, {
    cause: error,
  })
}

/** `fallback`, unless the last words of the program were about the disk. */
export function programError(
  fallback: 'InitFailed' | 'StartFailed',
  what: string,
  lastWords: readonly string[],
): EmbeddedPostgresError {
  const words = lastWords.join('\n')
  const code = /No space left on device|Disk quota exceeded|Check free disk space/i.test(words) ? 'DiskFull' : fallback
  return new EmbeddedPostgresError(code, `Postgres: ${what}${words === '' ? '' : `:\n${words}`}`)
}
