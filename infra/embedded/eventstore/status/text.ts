// How numbers and names are put for a person.

const longest = 120

/**
 * A name as it can be shown: characters that cannot be seen, or that turn the text around them, are written out, and a very long name is cut.
 */
export function visible(name: string): string {
  const short = name.length > longest ? `${name.slice(0, longest)}…` : name
  return short.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => `\\u{${hidden.codePointAt(0)!.toString(16)}}`)
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

export function size(bytes: number): string {
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${(bytes / 1_024 ** unit).toFixed(unit === 0 ? 0 : 1)}\u00a0${units[unit]}`
}

/** In groups of three digits. */
export const count = (number: number) => String(number).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds}\u00a0s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}\u00a0min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}\u00a0h ${minutes % 60}\u00a0min` : `${Math.floor(hours / 24)}\u00a0days`
}

export const instant = (ms: number) => new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
