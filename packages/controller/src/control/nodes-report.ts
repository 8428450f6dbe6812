import type { ControlConfig, LeaderReport, NodesReport } from '@budao/model'
import type { LeaderRecord } from '../failover/leadership.ts'
import type { NodeIdentity } from '../links/handshake.ts'
import type { Links } from '../links/links.ts'
import type { PeerAddress } from '../links/peer-link.ts'
import type { TimedStore } from './timed-store.ts'

/** What a report of the nodes is made of. */
export interface NodesFacts {
  readonly self: Omit<NodeIdentity, 'start'>
  readonly control: ControlConfig
  readonly peers: readonly PeerAddress[]
  readonly links: Links
  readonly store: TimedStore
  /** As the store has it; null where nobody looks, or nobody leads. */
  readonly leader: LeaderRecord | null
  /** This node does. */
  readonly leads: boolean
  abstains(node: string): string | null
}

/** Links, leader and store as one node sees them. */
export function nodesReport(facts: NodesFacts): NodesReport {
  const { self, control, peers, links, store, abstains } = facts
  return {
    self: self.node,
    leader: leaderOf(facts),
    store: { type: control.store.type, reachable: store.reachable, answeredMs: store.answeredMs() },
    nodes: [
      {
        node: self.node,
        site: self.site,
        domain: self.domain,
        roles: self.roles,
        address: control.address,
        admin: self.admin,
        link: 'self',
        sinceMs: null,
        answeredMs: null,
        roundTripMs: null,
        why: '',
        abstains: abstains(self.node),
      },
      ...peers.map(({ node, site, domain }) => ({
        node,
        site,
        domain,
        roles: links.get(node)?.peer?.roles ?? [],
        address: control.peers[node]!.address,
        admin: links.get(node)?.peer?.admin ?? null,
        ...links.report(node)!,
        abstains: abstains(node),
      })),
    ],
  }
}

function leaderOf({ self, links, leader, leads }: NodesFacts): LeaderReport | null {
  if (leader === null) return null
  const node = leader.holder.slice(0, leader.holder.lastIndexOf('#'))
  const own = node === self.node
  return {
    node,
    term: leader.term,
    self: own && leads,
    admin: own ? self.admin : (links.get(node)?.peer?.admin ?? null),
  }
}
