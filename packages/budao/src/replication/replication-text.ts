import { replicationIsHealthy, type ReplicationStatus, type ReplicatorReport } from '@budao/model'
import { formatTable, type Paint } from '../output.ts'

/** Whether data flows in all directions, and nobody is waited for; true where no replicator is named. */
export function dataIsHealthy(status: ReplicationStatus | null): boolean {
  if (status === null) return true
  return status.problem === '' && status.report !== null && replicationIsHealthy(status.report)
}

/** The part of `budao status` that is about data between the sites; empty where no replicator is named. */
export function formatReplication(status: ReplicationStatus | null, paint: Paint, width: number): string {
  if (status === null) return ''
  const { report, problem, url } = status
  const away = problem === '' ? [] : [paint('red', `the replicator at ${url} does not answer: ${problem}`)]
  if (report === null) return away.join('\n')
  const wrong = [
    ...report.alarms.map(({ code, subject, message }) => paint('yellow', `${code}: ${subject}: ${message}`)),
    ...endedLines(report, 3),
  ]
  return [...away, directions(report, width), ...wrong].filter((line) => line !== '').join('\n')
}

/** For `status --why`: where the data is, and each write by its id that came after its epoch had ended. */
export function formatDataWhy(status: ReplicationStatus | null, paint: Paint, width: number): string {
  if (status === null) return ''
  const text = formatReplication(status, paint, width)
  const lines = status.report === null ? [] : endedLines(status.report, Infinity)
  return [text, ...(lines.length > 0 ? ['', ...lines] : [])].join('\n')
}

function endedLines({ ended, site }: ReplicatorReport, idsMax: number): string[] {
  return ended.flatMap(({ origin, count, ids }) => [
    `${count} writes of ${origin} were not applied at ${site}: their epoch had ended (budao events ended)`,
    ...(idsMax === Infinity ? ids.map((id) => `  ${id}`) : []),
  ])
}

/** A line for each direction: what of this site the other may lack, and what of the other may be missing here. */
function directions({ site, peers, incoming }: ReplicatorReport, width: number): string {
  const rows = [
    ...peers.map((peer) => [
      `${site} → ${peer.site}`,
      peer.degraded ? 'degraded' : peer.silentMs > 5_000 ? 'silent' : 'running',
      span(peer.lagP50Ms),
      span(peer.lagP99Ms),
      span(peer.rpoMs),
      String(peer.behind),
    ]),
    ...incoming.map((from) => [`${from.site} → ${site}`, from.state, '', '', span(from.lagMs), '']),
  ]
  if (rows.length === 0) return ''
  return formatTable(
    [
      { title: 'DATA' },
      { title: 'STATE' },
      { title: 'LAG P50', align: 'right' },
      { title: 'P99', align: 'right' },
      { title: 'RPO', align: 'right' },
      { title: 'BEHIND', align: 'right' },
    ],
    rows,
    width,
  )
}

function span(ms: number | null): string {
  if (ms === null) return '-'
  return ms < 10_000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 1_000)}s`
}
