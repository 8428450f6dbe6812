import type { EventLog, LogPosition } from '@budao/model'
import type { SiteDatabase } from '../site-database.ts'
import { PeerRefusedError, type PeerSite, type PeerSnapshot } from './peer-site.ts'
import { type LoadProgress, partsOf, type SnapshotPart } from './snapshot.ts'
import { gapTable } from '../loop/gap-marker.ts'
import { boundsOf } from '../loop/log-bounds.ts'

/** What is filled, and from where. */
export interface BootstrapOptions {
  readonly site: string
  readonly database: SiteDatabase
  /** This site's log. */
  readonly log: EventLog
  readonly peer: PeerSite
  readonly tables: readonly string[]
  readonly signal: AbortSignal
  /** What this site wrote and the peer has not read, and what cannot be read any more, may be given up. */
  readonly discardUnread: boolean
  readonly onProgress: (progress: LoadProgress) => void
  /** Waits until everything that was written here is in the log. */
  readonly drained: () => Promise<void>
}

/**
 * Fills a site from a peer that goes on being written to: its rows of one moment, what they were merged from, what counts as
 * seen; then this site's own changes that the peer had not applied. Begins where an earlier attempt ended. The logs are read
 * from the places that belong to the snapshot by whoever called.
 */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { database, tables } = options
  const { snapshots } = database
  let progress = (await snapshots.progress()) ?? (await begin(options))
  if (progress.phase === 'clearing') {
    while (await snapshots.clear()) options.signal.throwIfAborted()
    progress = await step(options, { ...progress, phase: 'loading' })
  }
  if (progress.phase === 'loading') progress = await load(options, progress, partsOf(tables))
  await replay(options)
  await snapshots.end()
}

async function begin(options: BootstrapOptions): Promise<LoadProgress> {
  const { id, positions, facts } = await openAt(options)
  const progress: LoadProgress = {
    from: options.peer.site,
    id,
    positions,
    facts,
    phase: 'clearing',
    part: 0,
    after: null,
    rows: 0,
    ownSeq: 0,
  }
  return step(options, progress)
}

async function step(options: BootstrapOptions, progress: LoadProgress): Promise<LoadProgress> {
  await options.database.snapshots.setProgress(progress)
  options.onProgress(progress)
  return progress
}

async function openAt({ peer, site, log, discardUnread }: BootstrapOptions): Promise<PeerSnapshot> {
  return peer.openSnapshot(site, await boundsOf(log), discardUnread)
}

async function load(
  options: BootstrapOptions,
  begun: LoadProgress,
  parts: readonly SnapshotPart[],
): Promise<LoadProgress> {
  const { database, peer, signal, site } = options
  let progress = begun
  while (progress.part < parts.length) {
    signal.throwIfAborted()
    const part = parts[progress.part]!
    let chunk
    try {
      chunk = await peer.readSnapshot(progress.id, part, progress.after)
    } catch (error) {
      if (!(error instanceof PeerRefusedError) || error.code !== 'no-snapshot') throw error
      // The peer holds it no more. Rows may come from a later one: what they hold already is known by their versions, and the
      // logs are read from the places of the first.
      progress = await step(options, { ...progress, id: (await openAt(options)).id })
      continue
    }
    const isLast = chunk.next === null
    progress = {
      ...progress,
      part: isLast ? progress.part + 1 : progress.part,
      after: chunk.next,
      rows: progress.rows + (part.kind === 'rows' ? chunk.rows!.length : 0),
      ownSeq: Math.max(progress.ownSeq, ...(chunk.rows ?? []).map(({ version }) => version?.seen[site] ?? 0)),
    }
    await database.snapshots.load(part, chunk, progress)
    options.onProgress(progress)
  }
  await peer.closeSnapshot(progress.id).catch(() => {})
  const { positions, facts } = progress
  const watermarks = [
    ...facts.watermarks.filter(({ origin }) => origin !== peer.site && origin !== site),
    ...positions.map((position) => ({ origin: peer.site, position })),
  ]
  const replaying: LoadProgress = { ...progress, phase: 'replaying' }
  await database.snapshots.finish(watermarks, replaying)
  options.onProgress(replaying)
  return replaying
}

/** This site's changes that the peer had not applied: over its rows, as the peer will do it. */
async function replay({ database, log, site, signal, drained }: BootstrapOptions): Promise<void> {
  const { facts } = (await database.snapshots.progress())!
  await drained()
  for (const [partition, { logId, first, end }] of (await boundsOf(log)).entries()) {
    const there = facts.watermarks.find(
      (each) => each.origin === site && each.position.partition === partition,
    )
    const here = await database.applier.watermark(site, partition)
    const known = [here, there?.position].filter((each) => each?.logId === logId)
    const offset = known.reduce((furthest, each) => Math.max(furthest, each!.offset), first)
    await replayPartition({ logId, partition, offset }, end)
    await database.snapshots.setWatermark(site, { logId, partition, offset: end })
  }

  async function replayPartition(from: LogPosition, end: number): Promise<void> {
    if (from.offset >= end) return
    const reader = log.read(from)
    const stop = (): void => reader.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      for (let next = from; next.offset < end;) {
        const entries = await reader.next()
        if (entries === null) break
        next = { ...from, offset: entries.at(-1)!.offset + 1 }
        // What its log says of lost changes is said to others.
        const own = entries.map((each) => ({
          ...each,
          events: each.events.filter(({ table }) => table !== gapTable),
        }))
        await database.applier.apply({ origin: site, entries: own, next })
      }
      signal.throwIfAborted()
    } finally {
      reader.close()
      signal.removeEventListener('abort', stop)
    }
  }
}
