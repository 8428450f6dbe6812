import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '@budao/model'

/** Waits until the shared address has left a gateway that is not ready any more, and serves on; at once where there is none. */
export async function addressLeft(config: Config, say: (message: string) => void): Promise<void> {
  const waitMs = handoverMs(config)
  if (waitMs <= 0) return
  say(`not ready any more; serves on for ${waitMs} ms, until the shared address has left`)
  await sleep(waitMs)
}

/** How long it goes on serving, milliseconds. */
function handoverMs({ virtualIp }: Config): number {
  return virtualIp?.keepalived.handover ?? 0
}
