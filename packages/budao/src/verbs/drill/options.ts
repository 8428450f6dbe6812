import { type Command, InvalidArgumentError } from 'commander'
import { formatDuration, parseDuration } from '@budao/model'
import { CliError } from '../../cli-error.ts'
import { whoAsks } from '../../failover/unit-name.ts'
import type { DrillPlan } from '../../drill/drill-plan.ts'
import type { Scenario } from '../../drill/scenario.ts'
import { configOption, jsonOption } from '../../locate-config.ts'

/** What a person may say of any drill. */
export interface CommonDrillOptions {
  readonly config?: string
  readonly via?: URL
  readonly rate: number
  readonly token?: string
  readonly out?: string
  readonly force?: true
  readonly reason?: string
  readonly by?: string
  readonly yes?: true
  readonly check?: true
  readonly demo?: true
  readonly json?: true
}

/** What a person may say of a drill of a site. */
export interface DrillVerbOptions extends CommonDrillOptions {
  readonly site?: string
  readonly path: string
  readonly duration: string
  readonly killAfter: string
  readonly for: string
  readonly slow: string
  readonly returnWithin: string
  readonly process?: string
  readonly pid?: readonly number[]
}

/** Every request is kept until the end, to be counted exactly. */
const timeMsMax = 600_000
/** After the fault, so that one sees whether users recover. */
const settleMs = 2_000

/** The flags that every scenario of a site has. */
export function withDrillOptions(verb: Command, defaults: { readonly rate: number }): Command {
  verb
    .option('--site <name>', 'the site that it happens to')
    .option(...configOption)
    .option('--via <url>', 'origin of the gateway (default: its first listener)', parseOrigin)
    .option('--path <path>', 'what is read, with GET', parsePath, '/api/products?page=1')
    .option('--rate <n>', 'reads a second', parseRate, defaults.rate)
    .option('--duration <time>', 'how long the load lasts', '15s')
    .option('--kill-after <time>', 'when the fault begins, from the start of the load', '5s')
    .option('--slow <time>', 'an answer that takes longer disturbs users', '500ms')
    .option('--return-within <time>', 'how long the site’s return is waited for', '60s')
  return withCommonOptions(verb, 'overrule what may be overruled, such as the last usable site')
}

/** The flags that every drill has, behind its own. */
export function withCommonOptions(verb: Command, force: string): Command {
  return verb
    .option(
      '--token <token>',
      'operator token of the admin API (default: $BUDAO_TOKEN, or the configuration’s)',
    )
    .option('--out <folder>', 'where the report goes (default: drills in dataDir)')
    .option('--force', `${force}; needs --reason`)
    .option('--reason <text>', 'why, for the audit log')
    .option('--by <name>', 'who asks, for the audit log (default: you)')
    .option('--yes', 'whoever is on call knows: do not ask (without a terminal nobody is asked)')
    .option('--check', 'only say whether everything is ready')
    .option('--demo', 'start the demo shop on free ports, and drill that')
    .option(...jsonOption)
}

/** Throws CliError with exit code 2. */
export function checkCommon({ demo, config, via, force, reason }: CommonDrillOptions): void {
  if (demo && (config ?? via) !== undefined)
    throw new CliError('--demo brings its own configuration and gateway: leave out -c and --via', 2)
  if (force && !reason?.trim()) throw new CliError('--force needs --reason TEXT', 2)
}

/** What they mean together. Throws CliError with exit code 2. */
export function planOf(options: DrillVerbOptions, scenario: Scenario): DrillPlan {
  checkCommon(options)
  if (!options.demo && options.site === undefined) throw new CliError('--site: name the site to drill', 2)
  const durationMs = timeOf('--duration', options.duration)
  const faultAfterMs = timeOf('--kill-after', options.killAfter)
  const faultMs = timeOf('--for', options.for ?? '6s')
  if (faultAfterMs >= durationMs) throw new CliError('--kill-after: must be less than --duration', 2)
  if (scenario.endedBy === 'drill' && faultAfterMs + faultMs + settleMs > durationMs) {
    throw new CliError(
      `--duration: expected at least ${(faultAfterMs + faultMs + settleMs) / 1000}s, which is --kill-after and --for and 2s to see users recover, got ${options.duration}`,
      2,
    )
  }
  return {
    scenario,
    site: options.site ?? 'east',
    path: options.path,
    ...(options.via === undefined ? {} : { via: options.via }),
    rate: options.rate,
    durationMs,
    faultAfterMs,
    faultMs,
    by: options.by ?? whoAsks(),
    slowMs: timeOf('--slow', options.slow),
    returnWithinMs: timeOf('--return-within', options.returnWithin),
    ...(options.process === undefined ? {} : { process: options.process }),
    ...(options.pid === undefined ? {} : { pids: options.pid }),
    ...(options.force ? { forceReason: options.reason! } : {}),
  }
}

/** Throws CliError with exit code 2. */
export function timeOf(flag: string, text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms <= timeMsMax) return ms
  throw new CliError(
    `${flag}: expected a time up to ${formatDuration(timeMsMax)}, such as 500ms, 15s or 1m, got ${text}`,
    2,
  )
}

/** For `--via`. */
export function parseOrigin(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  }
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8080.')
}

/** For `--path`. */
export function parsePath(text: string): string {
  if (/^\/(?!\/)[^\s#]*$/.test(text)) return text
  throw new InvalidArgumentError('Expected a path that starts with one /.')
}

/** For `--rate`. */
export function parseRate(text: string): number {
  const rate = Number(text)
  if (Number.isInteger(rate) && rate >= 1 && rate <= 20_000) return rate
  throw new InvalidArgumentError('Expected a whole number from 1 to 20000.')
}

/** For `--pid`, which may be repeated. */
export function parsePid(text: string, before: readonly number[] | undefined): readonly number[] {
  const pid = Number(text)
  if (Number.isInteger(pid) && pid > 1) return [...(before ?? []), pid]
  throw new InvalidArgumentError('Expected the number of a process.')
}
