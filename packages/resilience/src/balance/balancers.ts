import type { Random } from '../clock.ts'
import type { BalancedEndpoint, Balancer } from './balancer.ts'
import { LeastConnectionsBalancer } from './least-connections.ts'
import { LeastRequestBalancer } from './least-request.ts'
import { MaglevBalancer } from './maglev.ts'
import { PeakEwmaBalancer } from './peak-ewma.ts'
import { RandomBalancer } from './random.ts'
import { RingHashBalancer } from './ring-hash.ts'
import { RoundRobinBalancer } from './round-robin.ts'

/** Names of the algorithms, as configurations write them. */
export const balancerKinds = [
  'round-robin',
  'least-request',
  'least-connections',
  'peak-ewma',
  'random',
  'ring-hash',
  'maglev',
] as const

/** One of `balancerKinds`. */
export type BalancerKind = (typeof balancerKinds)[number]

/** Whether the kind sends equal hashes to equal endpoints; the others ignore the hash. */
export function usesHash(kind: BalancerKind): boolean {
  return kind === 'ring-hash' || kind === 'maglev'
}

/** The balancer of that name. */
export function createBalancer(
  kind: BalancerKind,
  endpoints: readonly BalancedEndpoint[],
  random: Random,
): Balancer {
  switch (kind) {
    case 'round-robin':
      return new RoundRobinBalancer(endpoints, random)
    case 'least-request':
      return new LeastRequestBalancer(endpoints, random)
    case 'least-connections':
      return new LeastConnectionsBalancer(endpoints, random)
    case 'peak-ewma':
      return new PeakEwmaBalancer(endpoints, random)
    case 'random':
      return new RandomBalancer(endpoints, random)
    case 'ring-hash':
      return new RingHashBalancer(endpoints)
    case 'maglev':
      return new MaglevBalancer(endpoints)
  }
}
