import type { ReplicationConfig } from '@budao/model'
import type { VerifiedTable, VerifyRequest } from '../verify.ts'
import { compareSites } from './compare-sites.ts'
import { PeerRefusedError, PeerSite } from './peer-site.ts'

const settleMsDefault = 5000
const placesMax = 1000

/**
 * Compares the tables of two sites through their replicators, which have to run: for databases that nobody else can open from here.
 * Changes nothing. Throws where a site does not answer.
 */
export async function verifySites(
  configs: Readonly<Record<string, Pick<ReplicationConfig, 'sites' | 'token' | 'tables'>>>,
  { settleMs = settleMsDefault, onProgress = () => {} }: Omit<VerifyRequest, 'repair'>,
): Promise<VerifiedTable[]> {
  const { signal } = new AbortController()
  const [one, other] = Object.entries(configs).map(([site, { sites, token }]) => {
    const { url } = sites[site]!
    return new PeerSite({ site, url, ...(token !== undefined && { token }) }, signal)
  }) as [PeerSite, PeerSite]
  const [{ tables }] = Object.values(configs) as [Pick<ReplicationConfig, 'tables'>]
  const verified: VerifiedTable[] = []
  for (const each of [one, other]) await answers(each)
  for (const table of Object.keys(tables)) {
    const { rows, different, undecided } = await compareSites(one, other, {
      tables: [table],
      settleMs,
      signal,
    })
    onProgress({ table, rows, suspects: different.length + undecided.length })
    const shown = different.slice(0, placesMax)
    const [mine, theirs] = await Promise.all([one.rowsOf(shown), other.rowsOf(shown)])
    verified.push({
      table,
      rows,
      chunks: 1,
      different: different.map(({ key }, i) => ({
        table,
        key,
        rows: { [one.site]: mine[i]?.row ?? null, [other.site]: theirs[i]?.row ?? null },
      })),
      undecided: undecided.map(({ key }) => key),
      repaired: [],
    })
  }
  return verified
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
