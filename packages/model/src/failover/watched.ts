import type { ServiceConfig } from '../config.ts'

/** Whether observers watch the sites of a service: it says how, or what is to be done about them. */
export function isWatched({ detection, failover }: Pick<ServiceConfig, 'detection' | 'failover'>): boolean {
  return detection !== undefined || failover !== undefined
}
