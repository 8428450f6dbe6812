import { isUtf8 } from 'node:buffer'
import { parseTemplate, type PartConfig, type Template } from '@budao/model'
import type { CallAnswer, CallFailure } from '../upstream/backend-call.ts'
import { valueIn } from '../exchange/header-lines.ts'
import type { Service } from '../service/service.ts'
import {
  fillText,
  headerLine,
  PathTemplate,
  type TemplateInput,
  type TemplateProblem,
} from './filled-template.ts'
import { pickJson } from './json-pick.ts'

/**
 * Why a part is not in the answer: it could not be asked for (`value_…`), there was no complete answer, its status was
 * no success (`status_404`), or what it said is of no use.
 */
export type PartProblem =
  | CallFailure
  | TemplateProblem
  | `status_${number}`
  | 'not_json'
  | 'encoded'
  | 'pick_missing'
  | 'answer_full'

/** What a part asks for. */
export interface PartQuestion {
  readonly path: string
  readonly query: string
  /** Header lines of its own. */
  readonly lines: string
}

/** One part of an aggregate route: what it asks for, and what it takes from the answer. */
export class Part {
  readonly name: string
  readonly service: Service
  readonly config: PartConfig
  readonly required: boolean
  /** Its member's name and the colon, as JSON. */
  readonly member: string
  /** JSON that stands for it when it fails. */
  readonly fallback: string | undefined
  readonly body: Buffer | undefined
  /** Its place in the counters of calls. */
  readonly row: number
  /** Names, in lower case, of headers it sends itself. */
  readonly headers: ReadonlySet<string>
  readonly #path: PathTemplate
  readonly #query: readonly (readonly [name: string, value: Template])[]
  readonly #headers: readonly (readonly [name: string, value: Template])[]

  constructor(name: string, config: PartConfig, required: boolean, service: Service, row: number) {
    this.name = name
    this.config = config
    this.required = required
    this.service = service
    this.row = row
    this.member = `${JSON.stringify(name)}:`
    this.fallback = config.default === undefined ? undefined : JSON.stringify(config.default)
    this.body = config.json === undefined ? undefined : Buffer.from(JSON.stringify(config.json))
    this.#path = new PathTemplate(parseTemplate(config.path)!, `part ${name} of an aggregate route`)
    this.#query = templates(config.query)
    this.#headers = templates({
      Accept: 'application/json',
      ...(config.json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...config.headers,
      // What is compressed cannot be put together.
      'Accept-Encoding': 'identity',
    })
    this.headers = new Set(this.#headers.map(([header]) => header.toLowerCase()))
  }

  /** What to ask for on behalf of a request, or why nothing can be. */
  question(input: TemplateInput): PartQuestion | TemplateProblem {
    const path = this.#path.pathFor(input)
    if (typeof path === 'object') return path.problem
    let query = ''
    for (const [name, template] of this.#query) {
      const text = fillText(template, input)
      if (text === null) return 'value_bad'
      if (text === undefined) continue
      query += `${query === '' ? '' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(text)}`
    }
    let lines = ''
    for (const [name, template] of this.#headers) {
      const text = fillText(template, input)
      if (text === null) return 'value_bad'
      if (text !== undefined) lines += headerLine(name, text)
    }
    return { path, query, lines }
  }

  /** The JSON text that an answer gives this part, or why it gives none. */
  read({ status, lines, body }: CallAnswer): { readonly json: string } | PartProblem {
    if (status < 200 || status > 299) return `status_${status}`
    if (status === 204) return { json: 'null' }
    const encoding = valueIn(lines, 'content-encoding') ?? 'identity'
    if (encoding.toLowerCase() !== 'identity') return 'encoded'
    const json = jsonText(body)
    if (json === undefined) return 'not_json'
    const picked = pickJson(json, this.config.pick)
    return picked === undefined ? 'pick_missing' : { json: picked }
  }
}

function templates(texts: Readonly<Record<string, string>>): [name: string, value: Template][] {
  return Object.entries(texts).map(([name, text]) => [name, parseTemplate(text)!])
}

/** As it came: what is put together is the text, so that numbers keep every digit. */
function jsonText(body: Buffer): string | undefined {
  if (!isUtf8(body)) return undefined
  const text = body.toString('utf8')
  try {
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}
