import { parseArgs } from 'node:util'
import { canaryRun, type SentBack, type Traffic } from './rollout/canary-run.ts'
import { measureSplitCost, type SplitCost } from './rollout/split-cost.ts'
import { argoRollouts, budaoRule, fixedThreshold, flagger, type Rule } from './rollout/rules.ts'
import { say, wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'
import { spreadText, table } from './table.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- rollout [options]

  --runs N   of each scenario (default 1000)
  --seed S   of the first; each next one has the next (default 1)
  --json     figures as JSON, and nothing else
  --rounds N of the cost of a split (default 10)
  --simulated only the verdicts

How soon a bad release is sent back, and how often one that is as good as stable: Budao's verdict beside a fixed threshold and the rules of
Flagger and Argo Rollouts, on the same simulated requests: nothing of that depends on the machine. Then CPU for each request of
a real gateway with a split and without. How soon one is sent back by real gateways: npm run bench -- rollback
`

interface Scenario {
  readonly name: string
  readonly traffic: Traffic
  /** Whether sending it back is right. */
  readonly bad: boolean
  /** Budao looks after so many seconds: after every request where it is one of the rate. */
  readonly lookSeconds: number
}

const busy = { perSecond: 100, share: 0.05, seconds: 1_200 }
const quiet = { perSecond: 2, share: 0.05, seconds: 7_200 }

/** All looks of busy traffic each second; of quiet, and where detection is measured, after every request. */
const scenarios: readonly Scenario[] = [
  scenario('all requests fail', busy, 1, 0.005, true, 0.01),
  scenario('5 % against 0.5 % fail', busy, 0.05, 0.005, true, 0.01),
  scenario('as good as stable, 100 requests/s', busy, 0.005, 0.005, false, 1),
  scenario('as good as stable, 2 requests/s', quiet, 0.005, 0.005, false, 0.5),
  scenario('30 % of both fail', busy, 0.3, 0.3, false, 1),
]

interface Figures {
  readonly scenario: string
  readonly rule: string
  readonly sentBackPercent: number
  /** Canary requests until then, of runs in which it was; null where it never was. */
  readonly requestsMedian: number | null
  readonly requestsMax: number | null
  readonly secondsMedian: number | null
}

/** Runs the simulation; the exit code says whether Budao keeps what is promised. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '10' },
      simulated: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    say(usage)
    return 0
  }
  const runs = wholeNumber('runs', values.runs, 1, 1_000_000)
  const seed = wholeNumber('seed', values.seed, 0, 2 ** 31)
  const figures = scenarios.flatMap((each) => measure(each, runs, seed))
  const rounds = wholeNumber('rounds', values.rounds, 1, 1_000)
  const split = values.simulated ? null : await measureSplitCost(stage, rounds, 2)
  const promises = kept(figures)
  if (split !== null)
    promises.push({ holds: split.failed === 0, what: 'no request fails by a split', seen: `${split.failed}` })
  if (values.json) {
    say(JSON.stringify({ runs, seed, figures, split }, null, 2))
    return promises.every(({ holds }) => holds) ? 0 : 1
  }
  for (const { name } of scenarios) {
    say(`\n${name}, ${runs} runs\n`)
    say(
      table(
        ['', 'sent back', 'canary requests', 'most', 'seconds'],
        figures.filter(({ scenario: of }) => of === name).map(rowOf),
      ),
    )
  }
  if (split !== null) saySplit(split)
  say('')
  const verdict = new Verdict()
  for (const { holds, what, seen } of promises) verdict.expect(holds, what, seen)
  return verdict.exitCode
}

function saySplit({ plainMicros, splitMicros, ratio }: SplitCost): void {
  say(`\nCPU for each request, µs: plain ${spreadText(plainMicros, 1)}, split ${spreadText(splitMicros, 1)}`)
  say(`split / plain ${spreadText(ratio, 3)}`)
}

function scenario(
  name: string,
  traffic: Pick<Traffic, 'perSecond' | 'share' | 'seconds'>,
  canaryErrors: number,
  stableErrors: number,
  bad: boolean,
  lookSeconds: number,
): Scenario {
  return { name, traffic: { ...traffic, canaryErrors, stableErrors }, bad, lookSeconds }
}

function measure({ name, traffic, lookSeconds }: Scenario, runs: number, seed: number): Figures[] {
  const rules: readonly Rule[] = [budaoRule(lookSeconds), fixedThreshold, flagger, argoRollouts]
  const ends = rules.map((): SentBack[] => [])
  for (let index = 0; index < runs; index++)
    for (const [place, end] of canaryRun(seed + index, traffic, rules).entries())
      if (end !== null) ends[place]!.push(end)
  return rules.map((rule, place) => {
    const requests = ends[place]!.map(({ canaryRequests }) => canaryRequests).toSorted((a, b) => a - b)
    const seconds = ends[place]!.map((end) => end.seconds).toSorted((a, b) => a - b)
    return {
      scenario: name,
      rule: rule.name,
      sentBackPercent: (100 * requests.length) / runs,
      requestsMedian: requests[requests.length >> 1] ?? null,
      requestsMax: requests.at(-1) ?? null,
      secondsMedian: seconds[seconds.length >> 1] ?? null,
    }
  })
}

function rowOf({ rule, sentBackPercent, requestsMedian, requestsMax, secondsMedian }: Figures): string[] {
  const text = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '–'
  return [
    rule,
    `${sentBackPercent.toFixed(1)} %`,
    text(requestsMedian, 0),
    text(requestsMax, 0),
    text(secondsMedian, 1),
  ]
}

/** What is promised, and what was seen. */
function kept(figures: readonly Figures[]): { holds: boolean; what: string; seen: string }[] {
  const own = (name: string): Figures =>
    figures.find((each) => each.scenario === name && each.rule === 'Budao')!
  const [all, tenth, same, quietly, outage] = scenarios.map(({ name }) => own(name))
  const good = [same!, quietly!, outage!].map((each) => ({
    holds: each.sentBackPercent <= 1,
    what: `${each.scenario}: at most 1 % sent back`,
    seen: `${each.sentBackPercent.toFixed(1)} %`,
  }))
  return [
    {
      holds: all!.sentBackPercent === 100 && (all!.requestsMax ?? Infinity) <= 5,
      what: 'a release that fails all is sent back within 5 of its requests',
      seen: `${all!.requestsMax} at most`,
    },
    {
      holds: tenth!.sentBackPercent === 100 && (tenth!.requestsMedian ?? Infinity) <= 100,
      what: '5 % against 0.5 %: within 100 of its requests in the median',
      seen: `${tenth!.requestsMedian}`,
    },
    ...good,
  ]
}
