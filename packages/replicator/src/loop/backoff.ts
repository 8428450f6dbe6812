import { setTimeout as sleep } from 'node:timers/promises'

const firstMs = 50
const mostMs = 1000

/** Tries until it holds, slower and slower; null once `signal` says so. What `gives` up on is thrown. */
export async function untilItHolds<T>(
  signal: AbortSignal,
  attempt: () => Promise<T>,
  failed: (error: Error) => void,
  givesUp: (error: unknown) => boolean = () => false,
): Promise<T | null> {
  for (let waitMs = firstMs; !signal.aborted; waitMs = Math.min(mostMs, waitMs * 2)) {
    try {
      return await attempt()
    } catch (error) {
      if (givesUp(error)) throw error
      if (signal.aborted) return null
      failed(error as Error)
      await sleep(waitMs, undefined, { signal }).catch(() => {})
    }
  }
  return null
}
