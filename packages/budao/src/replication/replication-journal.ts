import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { criticalAlarms, type ReplicatorReport } from '@budao/model'

/** Where reports are written, in `dataDir`. */
export const replicationJournalName = 'replicator.ndjson'

const everyMs = 60_000
const fileBytesMax = 4_194_304

/**
 * Writes down how replication is, once a minute and whenever an alarm begins or ends, as lines that can be searched. The file before is kept
 * as `replicator.1.ndjson`. A report that the disk does not take is lost: the next one says more.
 */
export class ReplicationJournal {
  readonly #folder: string
  #dueAt = -Infinity
  #alarms = ''
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** `now` in milliseconds of any steady clock. */
  take(report: ReplicatorReport, now: number): void {
    const alarms = JSON.stringify(report.alarms.map(({ code, subject }) => [code, subject]))
    if (now < this.#dueAt && alarms === this.#alarms) return
    this.#dueAt = now + everyMs
    this.#alarms = alarms
    const line = `${JSON.stringify(reportLine(report, new Date().toISOString()))}\n`
    this.#writing = this.#writing.then(() => this.#append(line)).catch(() => {})
  }

  /** What was taken is written. */
  async close(): Promise<void> {
    await this.#writing
  }

  async #append(line: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const path = join(this.#folder, replicationJournalName)
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    )
    if (size > fileBytesMax) await rename(path, join(this.#folder, 'replicator.1.ndjson'))
    await appendFile(path, line, { mode: 0o640 })
  }
}

/** A report as one record: what is said of other sites is named by site. */
function reportLine(report: ReplicatorReport, at: string): object {
  const { site, outgoing, peers, incoming, deadLetters, conflicts, alarms, ended } = report
  const isCritical = alarms.some(({ code }) => criticalAlarms.includes(code))
  const said = [
    ...peers.map((peer) => `to ${peer.site} ${peer.behind} behind`),
    ...incoming.map(
      (from) => `from ${from.site} ${from.lagMs === null ? 'lag unknown' : `${from.lagMs} ms`}`,
    ),
    ...alarms.map(({ code, subject }) => `${code} (${subject})`),
  ]
  return {
    at,
    level: isCritical ? 'error' : alarms.length > 0 ? 'warn' : 'info',
    message: `replication of ${site} ${outgoing.state}: ${said.join(', ')}`,
    site,
    outgoing,
    to: Object.fromEntries(peers.map(({ site: peer, ...rest }) => [peer, rest])),
    from: Object.fromEntries(incoming.map(({ site: origin, ...rest }) => [origin, rest])),
    deadLetters,
    conflicts,
    ended: ended.reduce((sum, { count }) => sum + count, 0),
    alarms: alarms.length,
  }
}
