import { formatHlc, type ReplicationConfig } from '@budao/model'
import { silentMsMax } from '../loop/alarms.ts'
import { rightVersion, type SiteRow } from '../merge/right-version.ts'
import type { ReplicatedTables } from '../replicated-table.ts'
import type { VerifiedDifference, VerifiedTable, VerifyRequest } from '../verify.ts'
import { compareRanges } from './compare-ranges.ts'
import { compareSites, type Comparison } from './compare-sites.ts'
import { keptDigest } from './key-ranges.ts'
import { PeerRefusedError, PeerSite } from './peer-site.ts'
import { repairsMax } from './range-routes.ts'
import type { KeptRow } from './snapshot.ts'

const settleMsDefault = 5000
const placesMax = 1000
const hourMs = 3_600_000

/** The replicators of two sites, and how they are asked. */
export interface VerifySitesOptions extends VerifyRequest {
  readonly tables: ReplicatedTables
  /** Both are files: their keys have one order, they can be compared range by range, and repaired. */
  readonly byRanges: boolean
}

/**
 * Compares the tables of two sites through their replicators, which have to run: for databases that nobody else can open from here.
 * Throws where a site does not answer; with `repair` also where a direction does not flow.
 */
export async function verifySites(
  configs: Readonly<Record<string, Pick<ReplicationConfig, 'sites' | 'token' | 'log'>>>,
  options: VerifySitesOptions,
): Promise<VerifiedTable[]> {
  const { tables, repair } = options
  const { signal } = new AbortController()
  const [one, other] = Object.entries(configs).map(([site, { sites, token }]) => {
    const { url } = sites[site]!
    return new PeerSite({ site, url, ...(token !== undefined && { token }) }, signal)
  }) as [PeerSite, PeerSite]
  for (const each of [one, other]) await answers(each)
  const since = formatHlc(Date.now() - Math.min(...Object.values(configs).map(comparedMs)), 0)
  const verified: VerifiedTable[] = []
  for (const table of Object.keys(tables)) {
    const compared = await compare(one, other, table, since, options)
    const { rows, chunks, different, undecided } = compared
    if (repair && different.length > 0) await flows(one, other)
    const found: VerifiedDifference[] = []
    const repaired: string[] = []
    for (let from = 0; from < different.length; from += repairsMax) {
      const places = different.slice(from, from + repairsMax)
      const [mine, theirs] = await Promise.all([one.rowsOf(places), other.rowsOf(places)])
      const batch = places.map(({ key }, i) =>
        decide(tables, table, key, [one.site, mine[i]!], [other.site, theirs[i]!]),
      )
      if (repair) repaired.push(...(await repairAt(one, other, batch)))
      for (const { difference } of batch) if (found.length < placesMax) found.push(difference)
    }
    verified.push({
      ...{ table, rows, chunks, different: found, differentCount: different.length },
      ...{ undecided: undecided.map(({ key }) => key), repaired },
    })
  }
  return verified
}

async function compare(
  one: PeerSite,
  other: PeerSite,
  table: string,
  since: string,
  { settleMs = settleMsDefault, byRanges, onProgress = () => {} }: VerifySitesOptions,
): Promise<Comparison & { readonly chunks: number }> {
  const { signal } = new AbortController()
  if (byRanges)
    return await compareRanges(one, other, {
      ...{ table, settleMs, since, signal },
      onProgress: (progress) => onProgress({ table, ...progress }),
    })
  const compared = await compareSites(one, other, { tables: [table], settleMs, signal })
  const { rows, different, undecided } = compared
  onProgress({ table, rows, rowsTotal: rows, suspects: different.length + undecided.length })
  return { ...compared, chunks: 1 }
}

interface Decided {
  readonly difference: VerifiedDifference
  /** As each site has it. */
  readonly kept: readonly [KeptRow, KeptRow]
  /** Null: a person has to say. */
  readonly right: KeptRow | null
}

function decide(
  tables: ReplicatedTables,
  table: string,
  key: string,
  [one, mine]: readonly [string, KeptRow],
  [other, theirs]: readonly [string, KeptRow],
): Decided {
  const full = (site: string, { row, version, isAltered }: KeptRow): SiteRow => ({
    ...{ site, row, isAltered: isAltered === true },
    version: version?.kind === 'register' ? { ...version, row } : version,
  })
  const right = rightVersion(key, full(one, mine), full(other, theirs), tables[table]!.rule)
  const rows = { [one]: mine.row, [other]: theirs.row }
  return {
    difference: { table, key, rows, ...(right !== null && { right: right.row }) },
    kept: [mine, theirs],
    right: right === null ? null : { table, key, ...right },
  }
}

/** Keys that are equal now: both sites still had what was looked at, and took what is right. */
async function repairAt(one: PeerSite, other: PeerSite, batch: readonly Decided[]): Promise<string[]> {
  const decided = batch.filter(({ right }) => right !== null)
  if (decided.length === 0) return []
  let left: ReadonlySet<string> = new Set(decided.map(({ right }) => right!.key))
  for (const [index, site] of [one, other].entries()) {
    const asked = decided.filter(({ right }) => left.has(right!.key))
    if (asked.length === 0) return []
    const done = await site.repair(
      asked.map(({ kept, right }) => ({ found: keptDigest(kept[index]!), right: right! })),
    )
    left = new Set(done.map(({ key }) => key))
  }
  return [...left]
}

/** What is on its way, or cannot be, must not be repaired: it has an epoch, and may be refused. */
async function flows(one: PeerSite, other: PeerSite): Promise<void> {
  for (const [to, from] of [
    [one, other],
    [other, one],
  ] as const) {
    const incoming = (await to.status()).incoming.find(({ site }) => site === from.site)
    if (incoming?.state === 'running' && incoming.silentMs < silentMsMax) continue
    const why =
      incoming === undefined
        ? 'it is none of its sites'
        : incoming.why || `silent for ${Math.round(incoming.silentMs)} ms`
    throw new Error(
      `repair: expected changes of ${from.site} to arrive at ${to.site}, found that they do not (${why}): mend that first, what is on its way is no difference`,
    )
  }
}

/** Tombstones of so long ago are compared: both sites still have them. */
function comparedMs({ log }: Pick<ReplicationConfig, 'log'>): number {
  return 'embedded' in log ? log.embedded.keep / 2 : 24 * hourMs
}

async function answers(peer: PeerSite): Promise<void> {
  try {
    await peer.rowsOf([])
  } catch (error) {
    if (error instanceof PeerRefusedError) throw error
    const { cause, message } = error as Error
    const why = cause instanceof Error ? cause.message : message
    throw new Error(
      `the replicator of ${peer.site} does not answer (${why}): start it, files are compared through it`,
      { cause: error },
    )
  }
}
