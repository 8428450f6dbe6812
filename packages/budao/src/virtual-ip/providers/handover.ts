import type { Config } from '@budao/model'

/** How long a gateway that ends goes on serving, no longer ready, so that a shared address leaves first, milliseconds. */
export function handoverMs({ virtualIp }: Config): number {
  return virtualIp?.keepalived.handover ?? 0
}
