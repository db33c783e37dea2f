/** A number as its JSON text has it; `JSON.stringify` writes that text again. Never a double, so no digit is lost. */
export interface NumberText {
  readonly rawJSON: string
}

declare global {
  /** ES2026 JSON source text access, which Node 24 has and TypeScript's library does not declare yet. */
  interface JSON {
    rawJSON(text: string): NumberText
    isRawJSON(value: unknown): value is NumberText
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source: string }) => unknown): unknown
  }
}

/** Reads JSON with every number as its text. Throws SyntaxError. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) => (typeof value === 'number' ? JSON.rawJSON(source) : value))
}
