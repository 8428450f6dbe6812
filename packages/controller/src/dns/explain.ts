import type { GslbExplanation } from '@budao/model'
import { allSites, type Random } from '@budao/resilience'
import type { ClientPlace } from './client-places.ts'
import type { FollowedName } from './followed-name.ts'
import { ipBytes } from './ip.ts'
import type { DnsState } from './responder.ts'

interface Outside {
  readonly random: Random
  readonly now: number
  wallNow(): number
}

/** What a client at an address would be answered for a name, and why; undefined where the name does not follow the sites. */
export function explain(
  { book, places, config }: DnsState,
  name: string,
  client: string,
  outside: Outside,
): GslbExplanation | undefined {
  const followed = book.node(name)?.followed
  const address = ipBytes(client)
  if (followed === null || followed === undefined || address === undefined) return undefined
  const { site, scope } = places.choose(followed, address, address.length * 8, outside)
  const names = Object.keys(config.sites)
  const chosen = site === allSites ? followed.candidates : [site]
  const place = places.place(address)
  return {
    name: followed.name,
    client,
    policy: followed.config.policy,
    by: followed.by,
    sites: chosen.map((each) => names[each]!),
    addresses: followed.addresses(site),
    ttlMs: followed.ttlSeconds(outside.now) * 1_000,
    scope,
    place: places.facts(place),
    why: `${choiceText(followed, place, names)}${standingText(followed)}`,
  }
}

function choiceText(followed: FollowedName, place: ClientPlace, names: readonly string[]): string {
  const { policy, sticky } = followed.config
  const usable = followed.candidates.map((site) => names[site]!).join(', ')
  if (followed.candidates.length === 1) return `Only ${usable} can be answered with`
  switch (policy) {
    case 'failover':
      return `Of ${usable} the first is taken`
    case 'all-active':
      return `All of ${usable} are answered with`
    case 'weighted':
      return `Among ${usable} by weight, ${keptText(sticky)}`
    case 'nearest': {
      const best = Math.max(...followed.candidates.map((site) => place.nearness[site]!))
      const near = followed.candidates.filter((site) => place.nearness[site] === best)
      const list = near.map((site) => names[site]!).join(', ')
      if (near.length === 1) return `Of ${usable} the nearest is ${list}`
      return `Of ${usable} equally near are ${list}: by weight, ${keptText(sticky)}`
    }
  }
}

function keptText(sticky: number): string {
  return sticky === 0 ? 'drawn for each answer' : `the same for its network for ${sticky / 1_000} s`
}

function standingText({ by }: FollowedName): string {
  switch (by) {
    case 'in':
      return '.'
    case 'returning':
      return ': nothing has served for long enough yet, so what has just returned is used.'
    case 'weak':
      return ': no site has enough usable endpoints, so what is left is used.'
    case 'unknown':
      return ': nothing is known of any site.'
    case 'draining':
      return ': everything else is down, so what is being drained is used.'
    case 'down':
    case 'last-good':
      return ': no site is usable, so the last good answer stays, marked as stale.'
  }
}
