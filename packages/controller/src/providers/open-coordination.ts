import type { CoordinationStore } from '@budao/model'
import type { EtcdCoordinationOptions } from './etcd-coordination.ts'
import type { SqliteCoordinationOptions } from './sqlite-coordination.ts'

/** Where leases, leadership and failovers are kept: a file for one machine, etcd for several. */
export type CoordinationOptions =
  | ({ readonly type: 'sqlite' } & SqliteCoordinationOptions)
  | ({ readonly type: 'etcd' } & EtcdCoordinationOptions)

/** Opens the store; only the one that is asked for is loaded. Throws when its file cannot be opened. */
export async function openCoordination(
  options: CoordinationOptions,
): Promise<CoordinationStore & { close(): void }> {
  switch (options.type) {
    case 'sqlite':
      return new (await import('./sqlite-coordination.ts')).SqliteCoordination(options)
    case 'etcd':
      return new (await import('./etcd-coordination.ts')).EtcdCoordination(options)
  }
}
