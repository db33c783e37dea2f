import { problemPath, problems } from '../problem.ts'
import { type Html, html, inline, page, prose } from './html.ts'

// The page behind /docs: the OpenAPI document for people. Made here rather than by a viewer in the browser, it needs no library,
// works offline and is there at once.

/** As much of an OpenAPI document as the page shows. */
interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, Response>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, { readonly description: string }>>
  readonly content?: Content
}

type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown; readonly examples?: object }>>

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly maxItems?: number
}

export function docsPage(openApi: object): string {
  const { info, tags, paths, components } = openApi as Document
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const ofTag = (tag: string) => operations.filter(({ operation }) => operation.tags.includes(tag))
  const body = html`<h1>${info.title} API <small>${info.version}</small></h1>
${prose(info.description)}
<p><a href="/openapi.json">openapi.json</a> is the same for tools.</p>
${tags.map(
  ({ name, description }) => html`<h2 id="${name}">${name}</h2>
${prose(description)}
${ofTag(name).map(operationSection)}`,
)}
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) =>
    html`<details id="schema-${name}"><summary><b>${name}</b></summary>${prose(schema.description)}${schemaTable(schema)}</details>\n`,
)}`
  return page('DuxNet API', body, { script: '/pages/docs.js' })
}

function operationSection({ path, method, operation }: { path: string; method: string; operation: Operation }): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation
  const body = requestBody?.content['application/json']
  return html`<details class="operation" id="${operationId}" data-method="${method}" data-path="${path}">
<summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code> <span>${inline(summary)}</span></summary>
${prose(description)}
${parameters.length ? html`<h3>Parameters</h3><table>${parameters.map(parameterRow)}</table>` : undefined}
${body && html`<h3>Body</h3><p>${schemaText(body.schema)}</p><textarea rows="12" spellcheck="false" aria-label="Body">${JSON.stringify(body.example, null, 2)}</textarea>`}
<p><button type="button">Send</button></p><pre class="answer" hidden></pre>
<h3>Answers</h3>
<table>${Object.entries(responses).map(responseRow)}</table>
</details>
`
}

function parameterRow({ name, in: place, required, description, schema }: Parameter): Html {
  const input = html`<input name="${name}" data-in="${place}" aria-label="${name}" placeholder="${required ? 'required' : ''}">`
  return html`<tr><th><code>${name}</code><small>${place}</small></th><td>${input}</td><td><small>${schemaText(schema)}</small><p>${inline(description)}</p></td></tr>`
}

function responseRow([status, { description, headers = {}, content = {} }]: [string, Response]): Html {
  const codes = Object.keys(content['application/problem+json']?.examples ?? {}) as (keyof typeof problems)[]
  const success = Object.entries(content).find(([type]) => type !== 'application/problem+json')
  return html`<tr><th>${status}</th><td>
${codes.length ? codes.map((code) => html`<p><a href="${problemPath(code)}"><code>${code}</code></a> ${problems[code].title}</p>`) : prose(description)}
${success && html`<p>${success[0]}: ${schemaText(success[1].schema)}</p>`}
${success?.[1].example === undefined ? undefined : html`<details><summary>Example</summary><pre>${JSON.stringify(success[1].example, null, 2)}</pre></details>`}
${Object.entries(headers).map(([name, header]) => html`<p><code>${name}</code> ${inline(header.description)}</p>`)}
</td></tr>`
}

/** A schema in one line; what is an object gets its fields. */
function schemaText(schema: Schema): Html {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1)!
    return html`<a href="#schema-${name}">${name}</a>`
  }
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum)
    return html`${schema.enum.map((value, index) => html`${index ? ' | ' : ''}<code>${JSON.stringify(value)}</code>`)}`
  const either = schema.anyOf ?? schema.allOf
  if (either)
    return html`${either.map((part, index) => html`${index ? (schema.anyOf ? ' or ' : ' and ') : ''}${schemaText(part)}`)}`
  if (schema.items)
    return html`array of ${schemaText(schema.items)}${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`}`
  if (schema.properties) return schemaTable(schema)
  if (typeof schema.additionalProperties === 'object') return html`object of ${schemaText(schema.additionalProperties)}`
  return html`${String(schema.type ?? 'any JSON')}${limitsText(schema)}`
}

function limitsText({ minimum, exclusiveMinimum, maximum, pattern }: Schema): Html {
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + 1)
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  const isSmallest = least === undefined || least === Number.MIN_SAFE_INTEGER
  return html`${isSmallest ? '' : ` ≥ ${least}`}${most === undefined ? '' : ` ≤ ${most}`}${pattern === undefined ? undefined : html` <code>${pattern}</code>`}`
}

function schemaTable(schema: Schema): Html {
  if (!schema.properties) return html`<p>${schemaText(schema)}</p>`
  const { required = [] } = schema
  const row = ([name, field]: [string, Schema]) =>
    html`<tr><th><code>${name}</code>${required.includes(name) ? undefined : html`<small>optional</small>`}</th><td>${schemaText(field)}</td><td>${inline(field.description)}</td></tr>`
  return html`<table>${Object.entries(schema.properties).map(row)}</table>`
}
