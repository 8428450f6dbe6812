import type {
  FailoverRun,
  LeaderReport,
  SiteStandby,
  SiteVerdict,
  SlowEvidence,
  StandbyState,
  UnitReport,
  VerdictCode,
  WatchedReport,
} from '@budao/model'
import { formatTable, type Colour, type Paint } from '../output.ts'
import { lossText, span } from './move-text.ts'

/** `budao status --why`: everything that makes one unit what it is, at most `width` columns wide. */
export function formatWhy(report: UnitReport, leader: LeaderReport | null, paint: Paint, width = 80): string {
  return [
    [...headLines(report, leader, paint).flatMap((line) => wrap(line, width))].join('\n'),
    voteTable(report.verdicts, paint, width),
    dataTable(report, width),
    report.run === null
      ? 'It was never moved.'
      : runLines(report.run)
          .flatMap((line) => wrap(line, width))
          .join('\n'),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

/** The same of a service that is only watched. */
export function formatWatched({ service, verdicts }: WatchedReport, paint: Paint, width = 80): string {
  const head = paint('bold', `${service} is watched, and nothing of it is moved: it has no units`)
  return `${head}\n\n${voteTable(verdicts, paint, width)}`
}

function headLines(report: UnitReport, leader: LeaderReport | null, paint: Paint): string[] {
  const { unit, owner, epoch, lease, leaseMs, renewedMs, why, automation, blockedMs } = report
  const { inSync, drained, standbys } = report
  const seen = renewedMs === null ? '' : `, renewed ${span(renewedMs)} ago, good for ${span(leaseMs)}`
  const at =
    owner === null
      ? `${unit}: nobody writes it`
      : `${unit} is at ${owner}, epoch ${epoch}, lease ${lease}${seen}`
  const by = blockedMs > 0 ? `not by itself for ${span(blockedMs)}, unless acknowledged` : 'may begin at once'
  return [
    paint('bold', at),
    why === null ? 'why: nothing is known yet' : `why: ${why.message} (${why.code})`,
    ...(why === null ? [] : evidenceLines(why.evidence)),
    `automation is ${automation}; the next failover ${automation === 'on' ? by : 'is for a person to decide'}`,
    ...(inSync.length === 0 ? [] : [`has every acknowledged write: ${inSync.join(', ')}`]),
    ...(drained.length === 0 ? [] : [`drained: ${drained.join(', ')}`]),
    ...standbys.map(standbyLine),
    leader === null
      ? paint('red', 'nobody leads: nothing moves')
      : `decided by ${leader.node}, term ${leader.term}`,
  ]
}

function standbyLine({ site, state, ordered, why }: SiteStandby): string {
  const by = ordered ? ', started by a controller' : ''
  return `standby at ${site}: ${standbyWords[state]}${by}${why === '' || state === 'cold' ? '' : `; ${why}`}`
}

const standbyWords: Readonly<Record<StandbyState, string>> = {
  cold: 'cold, started when work goes there',
  starting: 'being started',
  warm: 'started, ready',
  unwell: 'was ready, and is not',
  failed: 'does not start',
}

function evidenceLines(evidence: Readonly<Record<string, unknown>>): string[] {
  const facts = Object.entries(evidence).filter(([, value]) => value !== null && value !== '')
  return facts.length === 0 ? [] : [`  ${facts.map(([key, value]) => `${key} ${String(value)}`).join(', ')}`]
}

/** A line for each site with the common word on it, and under it whose words made it. */
function voteTable(verdicts: readonly SiteVerdict[], paint: Paint, width: number): string {
  if (verdicts.length === 0) return 'Nobody has said anything about its sites yet.'
  const rows = verdicts.flatMap(({ votes }) =>
    votes.map(({ observer, domain, state, use, causes, ageMs, silentMs, slow }) => [
      `  ${observer}`,
      domain,
      paint(colours[state] ?? 'dim', state),
      use,
      [...causes, ...(slow === undefined ? [] : [`slow: ${paceText(slow)}`])].join('+'),
      span(ageMs),
      silentMs === null ? 'never' : span(silentMs),
    ]),
  )
  const titles = ['  OBSERVER', 'DOMAIN', 'SAYS', 'VOTE', 'CAUSES'].map((title) => ({ title }))
  const ages = ['AGE', 'SILENT'].map((title) => ({ title, align: 'right' as const }))
  const [head = '', ...lines] = formatTable([...titles, ...ages], rows, width).split('\n')
  let next = 0
  const bySite = verdicts.flatMap(({ site, state, code, votes, slow }) => {
    const own = lines.slice(next, next + votes.length)
    next += votes.length
    return [
      `${site} is ${paint(colours[state] ?? 'dim', state)}: ${codeWords[code]}`,
      ...(slow === undefined ? [] : [`  ${paceText(slow)}, usual ${Math.round(slow.usualMs)} ms`]),
      ...own,
    ]
  })
  return [head, ...bySite].join('\n')
}

function paceText({ by, ms }: SlowEvidence): string {
  return `${by} ${Math.round(ms)} ms`
}

const codeWords: Readonly<Record<VerdictCode, string>> = {
  quorum: 'observers of enough failure domains say so (quorum)',
  hard: 'the kernel there says so, and there is no witness (hard)',
  'no-quorum': 'too few failure domains say more (no-quorum)',
  vetoed: 'somebody was served there a moment ago (vetoed)',
  'no-witness': 'silence alone, and no witness: a person decides (no-witness)',
  nobody: 'no observer has said anything lately (nobody)',
  slow: 'it answers, slower than the others and than it used to: its weight is shed (slow)',
  agreed: 'nothing speaks against it (agreed)',
}

function dataTable({ positions, returning }: UnitReport, width: number): string {
  if (positions.length === 0) return ''
  return formatTable(
    [
      { title: 'DATA AT' },
      { title: 'POSITION', align: 'right' },
      { title: 'EPOCH', align: 'right' },
      { title: 'LAG', align: 'right' },
      { title: 'DIFFERS', align: 'right' },
      { title: 'CAPACITY', align: 'right' },
      { title: 'WAY BACK' },
    ],
    positions.map(({ site, position, epoch, lagMs, divergence, capacityPercent }) => {
      const back = returning.find((each) => each.site === site)
      return [
        site,
        String(position),
        String(epoch),
        lagMs === null ? 'unknown' : span(lagMs),
        String(divergence),
        `${Math.round(capacityPercent)} %`,
        back === undefined || back.stage === 'serving' ? '' : `${back.stage} for ${span(back.sinceMs)}`,
      ]
    }),
    width,
  )
}

function runLines(run: FailoverRun): string[] {
  const { kind, id, from, to, by, reason, outcome, step, startedAt, steps, lossMs, acknowledged } = run
  const which = outcome === null ? 'under way' : outcome === 'done' ? 'last move' : 'last move, taken back'
  const seen =
    by === 'automatic' && outcome === 'done' ? `, ${acknowledged ? 'acknowledged' : 'not acknowledged'}` : ''
  const end =
    outcome === null ? `is ${step}` : `took ${span(steps.at(-1)?.atMs ?? 0)}, ${lossText(lossMs)}${seen}`
  return [
    `${which}: ${kind} ${id}, ${from} → ${to}, by ${by}: ${reason}`,
    `  began ${new Date(startedAt).toISOString()}, ${end}`,
    ...(steps.length === 0
      ? []
      : [`  ${steps.map(({ step: name, atMs }) => `${name} +${span(atMs)}`).join(' · ')}`]),
  ]
}

const colours: Readonly<Record<string, Colour>> = {
  up: 'green',
  degraded: 'yellow',
  suspect: 'yellow',
  advise: 'yellow',
  down: 'red',
}

/** Breaks a line at spaces; what follows is indented as deep as the line, and two more. A coloured one is not broken. */
function wrap(line: string, width: number): string[] {
  if (line.includes('\u001b') || Array.from(line).length <= width) return [line]
  const indent = `${/^ */.exec(line)![0]}  `
  const lines: string[] = []
  let now = ''
  for (const word of line.trim().split(' ')) {
    const next = now === '' ? (lines.length === 0 ? indent.slice(2) : indent) + word : `${now} ${word}`
    if (now !== '' && Array.from(next).length > width) {
      lines.push(now)
      now = indent + word
    } else now = next
  }
  return [...lines, now]
}
