/** Markup that may be put into a page as it is. */
export interface Html {
  readonly markup: string
}

type Part = Html | string | number | undefined | readonly Part[]

/** Markup in which every value is escaped that is not markup itself; lists are put together. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { markup: texts.reduce((before, text, index) => before + markupOf(parts[index - 1]) + text) }
}

function markupOf(part: Part): string {
  if (part === undefined) return ''
  if (Array.isArray(part)) return part.map(markupOf).join('')
  return typeof part === 'object' ? (part as Html).markup : escapeText(String(part))
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!)
}

/** Prose: what stands in backticks is code, an empty line parts paragraphs. */
export function prose(text: string | undefined): Html {
  const paragraphs = (text ?? '').split('\n\n').filter(Boolean)
  return { markup: paragraphs.map((paragraph) => `<p>${inline(paragraph).markup}</p>`).join('') }
}

/** As `prose`, in one line. */
export function inline(text: string | undefined): Html {
  return { markup: escapeText(text ?? '').replaceAll(/`([^`]+)`/g, '<code>$1</code>') }
}

/** A whole page. It loads nothing but our own style and script. */
export function page(title: string, body: Html, { script }: { readonly script?: string } = {}): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/pages/style.css">
${script === undefined ? undefined : html`<script type="module" src="${script}"></script>\n`}<a class="skip" href="#main">To the content</a>
<header><a href="/">DuxNet</a><nav><a href="/wallet">Money</a><a href="/airdrop">Airdrops</a><a href="/docs">API</a><a href="/problems">Problems</a></nav></header>
<main id="main" tabindex="-1">
${body}
</main>
</html>
`.markup
}

/** What a page may load and do. */
export const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const

export const htmlType = 'text/html; charset=utf-8'
