import type { Links } from '../links/links.ts'

/**
 * Whether a node may be a gateway: one that is linked has said so, of others nobody knows. That an agent or a controller lives
 * at a site says nothing about whether the site serves.
 */
export function mayServe(links: Pick<Links, 'get'>, node: string): boolean {
  const peer = links.get(node)?.peer ?? null
  return peer === null || peer.roles.includes('keeper')
}
