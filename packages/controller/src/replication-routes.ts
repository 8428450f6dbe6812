import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { noQuery } from './parameters.ts'

/** The part of the API that is about data between the sites. */
export function replicationRoutes({ source }: Pick<NodeRoutesOptions, 'source'>): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      url: '/api/v1/replication',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        const status = source.replication?.() ?? null
        if (status === null)
          throw new ApiError('replication-off', 'no replicator of this site is configured here', {
            hint: 'Add `replication`, or `data: { replicator: URL }` to a service.',
          })
        return status
      },
    },
  ]
}
