import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Script } from 'node:vm'
import { phoneScript } from '@budao/testkit'
import { commit, packageVersion } from './machine.ts'
import { say, UsageError, wholeNumber } from './options.ts'
import { sdkScenarios } from './sdk/scenarios.ts'
import type { Tally } from './sdk/stage.ts'
import { table } from './table.ts'

const usage = `npm run bench -- sdk [--seed 1] [--only NAME,NAME] [--scenario NAME,NAME] [--markdown] [--json FILE]

Libraries that send the requests of a mini program, in the same simulated phone (strict wx, no web, simulated time), on the same
networks and seeds. A call counts as answered when what was asked for is there within 15 s. Exit code: 0, or 1 when ours answers fewer
calls than bare wx.request, does a write twice, or loses one that another keeps.

${Object.entries(sdkScenarios)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join('\n')}`

/** File of the contender, its packages, and the settings that its documents recommend. */
const contenders = {
  'wx.request': { file: 'sdk/contenders/bare.ts', packages: [], settings: 'as it is, timeout 15 s' },
  'luch-request': {
    file: 'sdk/contenders/luch-request.ts',
    packages: ['luch-request'],
    settings: 'has no retry; timeout 15 s',
  },
  'miniprogram-network': {
    file: 'sdk/contenders/miniprogram-network.ts',
    packages: ['miniprogram-network'],
    settings: 'delayRetry(1000, 2), timeout 5 s',
  },
  'axios + axios-retry': {
    file: 'sdk/contenders/axios-retry.ts',
    packages: ['axios', 'axios-retry'],
    settings: '3 retries, exponentialDelay, shouldResetTimeout, timeout 5 s; adapter of ours',
  },
  alova: {
    file: 'sdk/contenders/alova.ts',
    packages: ['alova'],
    settings: 'retry() of GETs: 3 times, backoff 1 s doubled; timeout 5 s; adapter of ours',
  },
  budao: {
    file: 'sdk/contenders/budao.ts',
    packages: ['@budao/miniprogram'],
    settings: 'defaults, keysHonoured, outbox for queued writes',
  },
} as const

type Name = keyof typeof contenders

const heads = [
  'answered',
  'wrong',
  'p50 ms',
  'p99 ms',
  'requests/call',
  'twice done',
  'lost',
  'peak',
] as const

export async function run(args: readonly string[]): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      scenario: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    say(usage)
    return 0
  }
  const seed = wholeNumber('seed', values.seed, 1, 1_000_000)
  const names = chosen('only', values.only, Object.keys(contenders)) as readonly Name[]
  const scenarios = chosen('scenario', values.scenario, Object.keys(sdkScenarios))
  // What a contender throws where nobody listens is its own affair, and must not end the run.
  const stray = (): void => {}
  process.on('unhandledRejection', stray)
  const results: { scenario: string; contender: string; tally: Tally }[] = []
  let well = true
  say(`commit ${commit()}, seed ${seed}, simulated time`)
  for (const name of names) say(`  ${name} ${versions(name)}: ${contenders[name].settings}`)
  const scripts = new Map<Name, Script>()
  for (const name of names) scripts.set(name, await scriptOf(name))
  for (const scenario of scenarios) {
    const { about, live } = sdkScenarios[scenario]!
    const tallies = new Map<Name, Tally>()
    for (const name of names) tallies.set(name, await live(seed, scripts.get(name)!))
    for (const [contender, tally] of tallies) results.push({ scenario, contender, tally })
    const rows = [...tallies].map(([name, tally]) => [name, ...cells(tally)])
    say(values.markdown ? `\n**${scenario}**: ${about}\n` : `\n${scenario}: ${about}`)
    say(values.markdown ? markdown(rows) : table(['', ...heads], rows))
    for (const problem of problems(tallies)) {
      say(`  PROBLEM ${problem}`)
      well = false
    }
  }
  process.off('unhandledRejection', stray)
  if (values.json !== undefined)
    writeFileSync(values.json, JSON.stringify({ commit: commit(), seed, results }, null, 1))
  return well ? 0 : 1
}

function chosen(option: string, text: string | undefined, all: readonly string[]): readonly string[] {
  const names = text === undefined ? all : text.split(',')
  for (const name of names)
    if (!all.includes(name))
      throw new UsageError(`--${option}: expected some of ${all.join(', ')}, got ${JSON.stringify(name)}`)
  return names
}

function scriptOf(name: Name): Promise<Script> {
  const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
  const nothing = path('sdk/no-rate-limiter.ts')
  return phoneScript(path(contenders[name].file), {
    alias: {
      'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js': nothing,
      'rate-limiter-flexible': nothing,
    },
  })
}

function versions(name: Name): string {
  return contenders[name].packages.map((each) => packageVersion(each)).join(' + ')
}

function cells({
  calls,
  right,
  wrong,
  ms,
  requests,
  duplicates,
  writes,
  lost,
  peak,
}: Tally): readonly string[] {
  const sorted = ms.toSorted((a, b) => a - b)
  const quantile = (share: number): string =>
    sorted.length === 0 ? '–' : String(Math.round(sorted[Math.ceil(sorted.length * share) - 1]!))
  const percent = (part: number): string => (ms.length === 0 ? '–' : `${((part / calls) * 100).toFixed(1)} %`)
  return [
    percent(right),
    percent(wrong),
    quantile(0.5),
    quantile(0.99),
    (requests / calls).toFixed(2),
    writes === 0 ? '–' : String(duplicates),
    ms.length > 0 ? '–' : `${lost} of ${writes}`,
    peak === 0 ? '–' : `${peak.toFixed(1)} ×`,
  ]
}

/** What ours must not be. */
function problems(tallies: ReadonlyMap<Name, Tally>): readonly string[] {
  const ours = tallies.get('budao')
  if (ours === undefined) return []
  const found: string[] = []
  const bare = tallies.get('wx.request')
  // A breaker that is open for its last second when all is well again may cost a call in two hundred.
  if (bare !== undefined && ours.right < bare.right * 0.995)
    found.push(`wx.request answered ${bare.right} calls, ours ${ours.right}`)
  for (const [name, { lost }] of tallies)
    if (lost < ours.lost) found.push(`${name} lost ${lost} writes, ours ${ours.lost}`)
  if (ours.duplicates > 0) found.push(`ours did ${ours.duplicates} writes twice`)
  return found
}

function markdown(rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return [line(['', ...heads]), line(['---', ...heads.map(() => '---:')]), ...rows.map(line)].join('\n')
}
