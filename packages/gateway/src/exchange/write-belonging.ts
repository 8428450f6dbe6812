import type { RequestHead } from '../http/request-head.ts'
import { leaves, rectifiedFor, type Leaving, type WriteCaller } from '../ownership/owned-request.ts'
import type { FilterRequest } from '../filters/filter.ts'
import type { Route } from '../routing/route.ts'
import type { Service } from '../service/service.ts'
import type { DataPlane } from '../threads/data-plane.ts'

/** Whose write it is, and whether another gateway does it. */
export interface Belonging {
  readonly service: Service | null
  readonly leaving: Leaving
  /** As things were when it was decided. */
  readonly elsewhere: boolean
}

/**
 * Where a write of a route with owners belongs, decided before anything is done about it: it is keyed, mirrored and kept by
 * the gateway that asks an endpoint. What another gateway has passed on is for the service that it has chosen.
 */
export function belongingOf(
  plane: DataPlane,
  route: Route,
  request: WriteCaller & FilterRequest,
  head: RequestHead,
  keyed: boolean,
): Belonging {
  const named = head.rectifiedAt === -1 ? null : route.serviceNamed(rectifiedFor(head))
  const service = named ?? route.chooseService(request, plane.random)
  const elsewhere = leaves(service, request, plane)
  return { service, leaving: keyed ? (elsewhere ? 'must' : 'not') : 'may', elsewhere }
}
