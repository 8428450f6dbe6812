import type { NodeSource } from './admin-source.ts'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { linkLosses, type LinkCut } from './links/link-gate.ts'
import { badParameter, object, onlyKeys, show } from './parameters.ts'

/** It ends by itself, and not in a day: nobody may forget a node that is cut off. */
const cutMsMax = 600_000
const nodesMax = 64

/** The part of the API by which drills cut this node off from others. */
export function cutRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      url: '/api/v1/failover/cut',
      role: 'operator',
      handle(request) {
        const cut = cutBody(request.body)
        mustKnow(source, cut)
        if (source.cutLinks?.(cut) !== true) off()
        log.warn({ from: request.ip, ...cut }, cut.forMs === 0 ? 'cut ended' : 'cut off for a drill')
        return { ok: true, forMs: cut.forMs }
      },
    },
  ]
}

function mustKnow(source: NodeSource, { nodes = [] }: LinkCut): void {
  const known = source
    .failover?.()
    ?.nodes()
    .nodes.map(({ node }) => node)
  const stranger = known === undefined ? undefined : nodes.find((node) => !known.includes(node))
  if (stranger === undefined) return
  throw badParameter(`nodes: there is no node ${show(stranger)}`, `Known: ${known!.join(', ')}.`)
}

function cutBody(body: unknown): LinkCut {
  const given = object('the body', body, 'For example {"forMs": 5000, "lost": "all", "store": true}.')
  onlyKeys(given, ['forMs', 'lost', 'nodes', 'store'], 'key')
  const { forMs, nodes, store = false } = given
  if (typeof forMs !== 'number' || !(forMs >= 0 && forMs <= cutMsMax))
    throw badParameter(`forMs must be a number from 0 to ${cutMsMax}, got ${show(forMs)}`)
  const lost = linkLosses.find((each) => each === (given['lost'] ?? 'all'))
  if (lost === undefined)
    throw badParameter(`lost must be one of ${linkLosses.join(', ')}, got ${show(given['lost'])}`)
  if (typeof store !== 'boolean') throw badParameter(`store must be true or false, got ${show(store)}`)
  if (nodes === undefined) return { lost, store, forMs }
  const named = Array.isArray(nodes) && nodes.length > 0 && nodes.length <= nodesMax
  if (!named || !nodes.every((node) => typeof node === 'string'))
    throw badParameter(`nodes must be a list of up to ${nodesMax} names, got ${show(nodes)}`)
  return { lost, nodes: nodes as string[], store, forMs }
}

function off(): never {
  throw new ApiError('cuts-off', 'links of this node are not cut', {
    hint: 'It needs control, and drills.controlLinks: true in its configuration: whoever may drill it says so there.',
  })
}
