import { parseDuration, type Problem } from '@budao/model'
import { ConfigDocument, nearest } from '@budao/model/parser'
import { ConditionError } from './condition-error.ts'
import { parseCondition } from './condition-parser.ts'
import type { Condition } from './condition.ts'
import { noDataChoices, type AlertRule, type NoData } from './rule.ts'
import { templateProblem } from './template.ts'

/** The rules of a file, or everything that is wrong with it. */
export type ParsedRules =
  | { readonly ok: true; readonly rules: readonly AlertRule[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

type Path = readonly (string | number)[]

const keys = [
  'alert_name',
  'condition',
  'notify',
  'severity',
  'for',
  'keep_firing_for',
  'group_by',
  'limit',
  'no_data',
  'runbook_url',
  'labels',
  'annotations',
]
const rulesMax = 1_000
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** What a file of rules may lean on. */
export interface RulesContext {
  /** Names that `notify` may hold besides mail addresses; null: any. */
  readonly receivers: readonly string[] | null
  /** Whether mail can be sent. Default true. */
  readonly mail?: boolean
  /** Names of rules that are given already, with whose they are. */
  readonly taken?: ReadonlyMap<string, string>
}

/** Reads rules from JSON or YAML: one rule, a list of them, or `{"rules": […]}`. Never throws. */
export function parseRules(text: string, file: string, context: RulesContext): ParsedRules {
  let document: ConfigDocument
  try {
    document = new ConfigDocument(text, file)
  } catch {
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message: 'nested too deeply' }] }
  }
  const reader = new RuleReader(document, text, context)
  const rules = document.value === undefined ? [] : reader.read(document.value)
  const problems = [...document.problems, ...reader.problems].toSorted(
    (a, b) => a.line - b.line || a.column - b.column,
  )
  return problems.length === 0 ? { ok: true, rules } : { ok: false, problems }
}

class RuleReader {
  readonly problems: Problem[] = []
  readonly #document: ConfigDocument
  readonly #text: string
  readonly #context: RulesContext

  constructor(document: ConfigDocument, text: string, context: RulesContext) {
    this.#document = document
    this.#text = text
    this.#context = context
  }

  read(value: unknown): AlertRule[] {
    const within = isObject(value) && 'rules' in value
    const list = within ? value['rules'] : value
    const prefix: Path = within ? ['rules'] : []
    if (!Array.isArray(list) && !isObject(list)) {
      this.#wrong(prefix, 'bad value', 'a rule, or a list of rules', list)
      return []
    }
    const rules = Array.isArray(list)
      ? list.map((each: unknown, index) => this.#rule([...prefix, index], each))
      : [this.#rule(prefix, list)]
    if (rules.length > rulesMax) this.#wrong(prefix, 'too many', `at most ${rulesMax} rules`, rules.length)
    const names = new Map(this.#context.taken)
    for (const [index, rule] of rules.entries()) {
      if (rule === undefined) continue
      const where = names.get(rule.name)
      if (where !== undefined) {
        const path: Path = Array.isArray(list) ? [...prefix, index] : prefix
        this.#wrong([...path, 'alert_name'], `given twice, first ${where}`, 'another name', rule.name)
      }
      names.set(rule.name, 'in this file')
    }
    return rules.filter((rule) => rule !== undefined)
  }

  #rule(path: Path, value: unknown): AlertRule | undefined {
    const before = this.problems.length
    if (!isObject(value)) return void this.#wrong(path, 'bad value', 'a rule with its keys', value)
    for (const key of Object.keys(value)) {
      if (keys.includes(key)) continue
      const close = nearest(key, keys)
      const hint = close === undefined ? {} : { hint: `did you mean \`${close}\`?` }
      this.problems.push(
        this.#document.place(
          { path: [...path, key], message: 'unknown key', expected: `one of ${keys.join(', ')}`, ...hint },
          'key',
        ),
      )
    }
    const name = this.#string([...path, 'alert_name'], value['alert_name'], /^[^\n]{1,200}$/, 'a name')
    const text = this.#string([...path, 'condition'], value['condition'], /^[^]+$/, 'a condition')
    const condition = text === undefined ? undefined : this.#condition([...path, 'condition'], text)
    const severity =
      value['severity'] === undefined
        ? 'warning'
        : this.#string([...path, 'severity'], value['severity'], /^[\w.-]{1,40}$/, 'a word such as P1')
    const notify = this.#notify([...path, 'notify'], value['notify'])
    const by = this.#groupBy([...path, 'group_by'], value['group_by'], condition)
    const forMs = this.#duration([...path, 'for'], value['for'])
    const keepFiringForMs = this.#duration([...path, 'keep_firing_for'], value['keep_firing_for'])
    const limit = this.#limit([...path, 'limit'], value['limit'])
    const noData = this.#noData([...path, 'no_data'], value['no_data'])
    const labels = this.#texts([...path, 'labels'], value['labels'], ['alertname', 'severity'])
    const annotations = this.#texts([...path, 'annotations'], value['annotations'], [])
    const runbook =
      value['runbook_url'] === undefined
        ? undefined
        : this.#string([...path, 'runbook_url'], value['runbook_url'], /^https?:\/\/\S+$/, 'a URL')
    if (this.problems.length > before) return undefined
    return {
      name: name!,
      condition: by === undefined ? condition! : { ...condition!, by },
      text: text!,
      notify,
      severity: severity!,
      forMs,
      keepFiringForMs,
      limit,
      noData,
      labels,
      annotations: runbook === undefined ? annotations : { runbook_url: runbook, ...annotations },
    }
  }

  #condition(path: Path, text: string): Condition | undefined {
    try {
      return parseCondition(text)
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error
      const { expected, found, hint, at } = error
      const placed = this.#document.place({
        path,
        message: 'bad condition',
        expected,
        found,
        ...(hint === undefined ? {} : { hint }),
      })
      const quoted = /^["']/.test(this.#text.split('\n')[placed.line - 1]?.[placed.column - 1] ?? '')
      this.problems.push({ ...placed, column: placed.column + at + (quoted ? 1 : 0) })
      return undefined
    }
  }

  #notify(path: Path, value: unknown): string[] {
    if (value === undefined) return []
    const list = typeof value === 'string' ? [value] : value
    if (!Array.isArray(list) || list.length > 20) {
      this.#wrong(path, 'bad value', 'a list of at most 20 receivers', value)
      return []
    }
    const { receivers: known, mail = true } = this.#context
    for (const [index, each] of known === null ? [] : list.entries()) {
      const place: Path = Array.isArray(value) ? [...path, index] : path
      if (typeof each === 'string' && isMail(each)) {
        if (!mail) this.#wrong(place, 'no mail server', '`alerts.smtp` in the configuration', each)
        continue
      }
      if (typeof each === 'string' && known!.includes(each)) continue
      const close = typeof each === 'string' ? nearest(each, known!) : undefined
      this.#wrong(
        place,
        'unknown receiver',
        known!.length === 0
          ? 'a mail address, or a key of alerts.receivers'
          : `a mail address, or one of ${known!.join(', ')}`,
        each,
        close === undefined ? undefined : `did you mean \`${close}\`?`,
      )
    }
    return list.filter((each) => typeof each === 'string')
  }

  #groupBy(path: Path, value: unknown, condition: Condition | undefined): string[] | undefined {
    if (value === undefined) return undefined
    const list = typeof value === 'string' ? [value] : value
    const good = (each: unknown): boolean => typeof each === 'string' && /^[^\s/*]+$/.test(each)
    if (!Array.isArray(list) || list.length > 10 || !list.every(good))
      this.#wrong(path, 'bad value', 'a list of at most 10 fields or labels', value)
    else if (condition !== undefined && (condition.by === '*' || condition.by.length > 0))
      this.#wrong(path, 'given twice', 'either `by` in the condition or group_by', value)
    else if (condition?.source === 'metric' && condition.kind === 'absent')
      this.#wrong(path, 'bad value', 'none: series that are absent have no labels', value)
    else return list as string[]
    return undefined
  }

  #duration(path: Path, value: unknown): number {
    if (value === undefined) return 0
    const ms = typeof value === 'string' ? parseDuration(value) : undefined
    if (ms === undefined) this.#wrong(path, 'bad value', 'a duration such as 0s, 30s or 5m', value)
    return ms ?? 0
  }

  #limit(path: Path, value: unknown): number {
    if (value === undefined) return 10_000
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 100_000)
      return value as number
    this.#wrong(path, 'bad value', 'a whole number from 1 to 100000', value)
    return 0
  }

  #noData(path: Path, value: unknown): NoData {
    if (value === undefined) return 'ok'
    const found = noDataChoices.find((each) => each === value)
    if (found === undefined) this.#wrong(path, 'bad value', `one of ${noDataChoices.join(', ')}`, value)
    return found ?? 'ok'
  }

  #texts(path: Path, value: unknown, reserved: readonly string[]): Record<string, string> {
    if (value === undefined) return {}
    if (!isObject(value)) {
      this.#wrong(path, 'bad value', 'names with texts', value)
      return {}
    }
    for (const [name, text] of Object.entries(value)) {
      if (!labelName.test(name) || reserved.includes(name))
        this.#wrong(
          [...path, name],
          'bad name',
          `letters, digits and _, not ${reserved.join(' or ') || 'a digit first'}`,
          name,
        )
      if (typeof text !== 'string') this.#wrong([...path, name], 'bad value', 'a text', text)
      else if (templateProblem(text) !== undefined)
        this.#wrong(
          [...path, name],
          'bad template',
          '{{ $value }} or {{ $labels.name }}',
          templateProblem(text),
        )
    }
    return value as Record<string, string>
  }

  #string(path: Path, value: unknown, pattern: RegExp, expected: string): string | undefined {
    if (typeof value === 'string' && pattern.test(value)) return value
    this.#wrong(path, value === undefined ? 'missing' : 'bad value', expected, value)
    return undefined
  }

  #wrong(path: Path, message: string, expected: string, value: unknown, hint?: string): void {
    const found = value === undefined ? {} : { found: (JSON.stringify(value) ?? '').slice(0, 80) }
    const more = hint === undefined ? {} : { hint }
    this.problems.push(this.#document.place({ path, message, expected, ...found, ...more }))
  }
}

/** What is notified by mail: anything with an @. */
export function isMail(text: string): boolean {
  return /^[^\s@<>",;]{1,64}@[^\s@<>",;]{1,255}$/.test(text)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
