import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { formatProblem, parseDuration, severities, type LogRecord, type SeverityName } from '@budao/model'
import { ConfigDocument } from '@budao/model/parser'
import { parseRules } from '../rules/rule-file.ts'
import type { AlertRule } from '../rules/rule.ts'
import { runRuleTest, type Expectation, type RuleTest, type TestFailure } from './rule-test.ts'
import { parseSeries, parseValues } from './series-notation.ts'

/** What became of a file of tests. */
export interface RuleTestResult {
  readonly tests: number
  readonly checks: number
  readonly failures: readonly TestFailure[]
  /** What is wrong with the file or with rules that it names; nothing was run then. */
  readonly problems: readonly string[]
}

type Path = readonly (string | number)[]

/** Records that one `input_logs` may stand for. */
const recordsMax = 100_000

/**
 * Runs tests of rules from a file in the form of `promtool test rules`: `rule_files`, `evaluation_interval`, `tests` with
 * `input_series` and `alert_rule_test`; and for rules over records `input_logs`. Receivers may have any name.
 */
export async function runRuleTestFile(path: string, name: string): Promise<RuleTestResult> {
  const failed = (...problems: string[]): RuleTestResult => ({ tests: 0, checks: 0, failures: [], problems })
  const text = await readFile(path, 'utf8').catch((error: unknown) => error as Error)
  if (text instanceof Error) return failed(`${name}: cannot be read: ${text.message}`)
  const reader = new TestFileReader(new ConfigDocument(text, name))
  const file = reader.read()
  if (file === undefined) return failed(...reader.problems)
  const rules: AlertRule[] = []
  for (const ruleFile of file.ruleFiles) {
    const ruleText = await readFile(resolve(dirname(path), ruleFile), 'utf8').catch(() => undefined)
    if (ruleText === undefined) {
      reader.problems.push(`${name}: rule_files: ${ruleFile} cannot be read`)
      continue
    }
    const parsed = parseRules(ruleText, ruleFile, { receivers: null })
    if (parsed.ok) rules.push(...parsed.rules)
    else reader.problems.push(...parsed.problems.map(formatProblem))
  }
  if (reader.problems.length > 0) return failed(...reader.problems)
  return {
    tests: file.tests.length,
    checks: file.tests.reduce((sum, { expectations }) => sum + expectations.length, 0),
    failures: file.tests.flatMap((test) => runRuleTest(rules, test, file.evaluationMs)),
    problems: [],
  }
}

class TestFileReader {
  readonly problems: string[]
  readonly #document: ConfigDocument

  constructor(document: ConfigDocument) {
    this.#document = document
    this.problems = document.problems.map(formatProblem)
  }

  read(): { ruleFiles: string[]; evaluationMs: number; tests: RuleTest[] } | undefined {
    const { value } = this.#document
    if (!isObject(value)) {
      this.#wrong([], 'rule_files, evaluation_interval and tests', value)
      return undefined
    }
    this.#known([], value, ['rule_files', 'evaluation_interval', 'group_eval_order', 'tests'])
    const evaluationMs = this.#duration(['evaluation_interval'], value['evaluation_interval'] ?? '1m')
    const ruleFiles = this.#list(['rule_files'], value['rule_files']).map(String)
    const tests = this.#list(['tests'], value['tests']).map((test, index) =>
      this.#test(['tests', index], test),
    )
    return this.problems.length > 0 ? undefined : { ruleFiles, evaluationMs, tests }
  }

  #test(path: Path, value: unknown): RuleTest {
    const test = isObject(value) ? value : {}
    if (!isObject(value)) this.#wrong(path, 'a test', value)
    this.#known(path, test, [
      'name',
      'interval',
      'input_series',
      'input_logs',
      'alert_rule_test',
      'promql_expr_test',
      'external_labels',
      'external_url',
    ])
    const intervalMs = this.#duration([...path, 'interval'], test['interval'] ?? '1m')
    return {
      name: typeof test['name'] === 'string' ? test['name'] : `tests[${path.at(-1)}]`,
      intervalMs,
      series: this.#list([...path, 'input_series'], test['input_series'] ?? []).map((each, index) =>
        this.#series([...path, 'input_series', index], each),
      ),
      logs: this.#list([...path, 'input_logs'], test['input_logs'] ?? []).flatMap((each, index) =>
        this.#logs([...path, 'input_logs', index], each),
      ),
      expectations: this.#list([...path, 'alert_rule_test'], test['alert_rule_test'] ?? []).map(
        (each, index) => this.#expectation([...path, 'alert_rule_test', index], each),
      ),
    }
  }

  #series(path: Path, value: unknown): RuleTest['series'][number] {
    const { series, values } = isObject(value) ? value : {}
    try {
      return { ...parseSeries(String(series)), values: parseValues(String(values)) }
    } catch (error) {
      this.#fail(path, (error as Error).message)
      return { name: '', labels: {}, values: [] }
    }
  }

  /** `{ from: 0s, to: 1m, every: 1s, record: { log.level: error, … } }`, `to` included; without `every` one record. */
  #logs(path: Path, value: unknown): RuleTest['logs'][number][] {
    const { from, to, every, record } = isObject(value) ? value : {}
    const fromMs = this.#duration([...path, 'from'], from ?? '0s')
    const toMs = to === undefined ? fromMs : this.#duration([...path, 'to'], to)
    const everyMs = every === undefined ? Infinity : this.#duration([...path, 'every'], every)
    if (!isObject(record)) this.#wrong([...path, 'record'], 'fields with their values', record)
    if ((toMs - fromMs) / everyMs > recordsMax) this.#fail(path, `expected at most ${recordsMax} records`)
    if (this.problems.length > 0) return []
    const logs: RuleTest['logs'][number][] = []
    for (let at = fromMs; at <= toMs; at += everyMs) logs.push({ at, record: recordOf(record as object, at) })
    return logs
  }

  #expectation(path: Path, value: unknown): Expectation {
    const { eval_time: evalTime, alertname, exp_alerts: alerts } = isObject(value) ? value : {}
    if (typeof alertname !== 'string') this.#wrong([...path, 'alertname'], 'the name of a rule', alertname)
    const texts = (each: unknown): Record<string, string> =>
      isObject(each)
        ? Object.fromEntries(Object.entries(each).map(([name, text]) => [name, String(text)]))
        : {}
    return {
      evalTimeMs: this.#duration([...path, 'eval_time'], evalTime ?? '0s'),
      alertname: String(alertname),
      alerts: this.#list([...path, 'exp_alerts'], alerts ?? []).map((alert) => {
        const { exp_labels: labels, exp_annotations: annotations } = isObject(alert) ? alert : {}
        return {
          labels: { ...texts(labels), alertname: String(alertname) },
          annotations: texts(annotations),
        }
      }),
    }
  }

  #duration(path: Path, value: unknown): number {
    // promtool takes a bare 0 too.
    const ms = value === 0 ? 0 : typeof value === 'string' ? parseDuration(value) : undefined
    if (ms === undefined) this.#wrong(path, 'a duration such as 1m', value)
    return ms ?? 1_000
  }

  #list(path: Path, value: unknown): readonly unknown[] {
    if (Array.isArray(value)) return value
    if (value !== undefined) this.#wrong(path, 'a list', value)
    return []
  }

  #known(path: Path, value: object, known: readonly string[]): void {
    for (const key of Object.keys(value))
      if (!known.includes(key)) this.#wrong([...path, key], `one of ${known.join(', ')}`, key)
  }

  #wrong(path: Path, expected: string, value: unknown): void {
    const found = value === undefined ? {} : { found: (JSON.stringify(value) ?? '').slice(0, 80) }
    const message = value === undefined ? 'missing' : 'bad value'
    this.problems.push(formatProblem(this.#document.place({ path, message, expected, ...found })))
  }

  #fail(path: Path, message: string): void {
    this.problems.push(formatProblem(this.#document.place({ path, message })))
  }
}

function recordOf(fields: object, at: number): LogRecord {
  const { 'log.level': level = '', message = '', ...attributes } = fields as Record<string, string | number>
  const severityText = String(level).toLowerCase()
  return {
    timestamp: at,
    observed: at,
    severityText,
    severityNumber: Object.hasOwn(severities, severityText) ? severities[severityText as SeverityName] : 0,
    body: String(message),
    resource: {},
    attributes,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
