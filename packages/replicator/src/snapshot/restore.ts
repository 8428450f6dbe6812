import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeEvent, DeadLetter, EventLog, LogPosition, LostWrite } from '@budao/model'
import type { RowPlace, SiteDatabase } from '../site-database.ts'
import type { PeerPlace, PeerSite } from './peer-site.ts'
import type { SnapshotFacts } from './snapshot.ts'
import { boundsOf } from '../loop/log-bounds.ts'

/** What is put right, and by whose rows. */
export interface RestoreOptions {
  readonly site: string
  readonly database: SiteDatabase
  readonly log: EventLog
  readonly peer: PeerSite
  readonly signal: AbortSignal
  /** Waits until everything that was written here is in the log. */
  readonly drained: () => Promise<void>
  readonly onUndoing: () => void
}

/** What did not make it, and how many rows were undone for it. */
export interface Restored {
  readonly lost: readonly LostLetter[]
  readonly undone: number
}

const pollMs = 50
const placesMax = 200

/**
 * Brings a site that was fenced back to the last state it had in common with the new owner. The new owner reads this site's log to
 * its end: what it applies made it, what it lists as of an ended epoch did not. Rows of the latter become what they are there.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { database, log, peer, site, signal, drained } = options
  await drained()
  const ends = (await boundsOf(log)).map(({ logId, end }, partition) => ({ logId, partition, offset: end }))
  const mine = await watermarksOf(database, await peer.place(site))
  for (;;) {
    const place = await peer.place(site)
    if (place.stopped !== '')
      throw new Error(
        `${peer.site} cannot read this site's log (${place.stopped}): bootstrap this site instead`,
      )
    if (hasAll(place.applied, ends) && knowsAll(place.watermarks, mine)) break
    await sleep(pollMs, undefined, { signal })
  }
  options.onUndoing()
  const lost = await lostAt(peer, site)
  const places = placesOf(lost)
  for (let from = 0; from < places.length; from += placesMax) {
    signal.throwIfAborted()
    const some = places.slice(from, from + placesMax)
    const ids = lost.filter((each) => some.some(({ table, key }) => table === each.table && key === each.key))
    // What did not make it may be written again under its old id.
    await database.snapshots.put(
      await peer.rowsOf(some),
      ids.map(({ id }) => id),
    )
  }
  return { lost, undone: places.length }
}

/** A lost write with its dead letter at the new owner. */
export interface LostLetter extends LostWrite {
  readonly letter: number
}

/**
 * Writes of a site among dead letters whose epoch has ended there, whatever they were put aside for. `ended`: the lowest epoch
 * that is accepted of it, by unit; '': of what has none.
 */
export function lostWrites(
  letters: readonly DeadLetter[],
  site: string,
  ended: Readonly<Record<string, number>>,
): LostLetter[] {
  return letters
    .filter(({ origin, key, reason }) => origin === site && key !== '' && reason !== 'undone')
    .flatMap(({ id: letter, event, table, key }) => {
      const { id, epoch, unit = '' } = JSON.parse(event) as ChangeEvent
      const lowest = Object.hasOwn(ended, unit) ? ended[unit]! : 0
      return epoch < lowest ? [{ id, table, key, letter }] : []
    })
}

/** The rows they are about, each once. */
export function placesOf(writes: readonly LostWrite[]): RowPlace[] {
  return [...new Map(writes.map(({ table, key }) => [`${table}\0${key}`, { table, key }])).values()]
}

/** All of them at a peer. */
export async function lostAt(peer: PeerSite, site: string): Promise<LostLetter[]> {
  const lost: LostLetter[] = []
  const { epochs } = await peer.place(site)
  for (let after = 0; ;) {
    const letters = await peer.letters(after)
    lost.push(...lostWrites(letters, site, epochs))
    if (letters.length === 0) return lost
    after = letters.at(-1)!.id
  }
}

/** How far this site is in the logs of third sites: their changes of the same rows must be in what is fetched. */
async function watermarksOf(
  database: SiteDatabase,
  { watermarks }: PeerPlace,
): Promise<SnapshotFacts['watermarks']> {
  const mine: { origin: string; position: LogPosition }[] = []
  for (const { origin, position } of watermarks) {
    const here = await database.applier.watermark(origin, position.partition)
    if (here !== null) mine.push({ origin, position: here })
  }
  return mine
}

function hasAll(applied: readonly LogPosition[], ends: readonly LogPosition[]): boolean {
  return ends.every(({ logId, partition, offset }) =>
    applied.some((at) => at.logId === logId && at.partition === partition && at.offset >= offset),
  )
}

function knowsAll(theirs: SnapshotFacts['watermarks'], mine: SnapshotFacts['watermarks']): boolean {
  return mine.every(({ origin, position }) =>
    hasAll(
      theirs.filter((each) => each.origin === origin).map((each) => each.position),
      [position],
    ),
  )
}
