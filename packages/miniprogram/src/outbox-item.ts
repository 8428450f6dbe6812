import type { Method } from './transport.ts'

/** A write that waits for a network. */
export interface OutboxItem {
  /** Position among all writes of this phone: they leave in this order, each entity on its own. */
  readonly seq: number
  /** Writes of one entity leave one after the other; those of different entities side by side. */
  readonly entity: string
  readonly user: string
  readonly method: Method
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
  /** The same on every attempt, those of later processes too. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** A write that the server refused: kept until somebody looks at it. */
export interface DeadItem extends OutboxItem {
  readonly status: number
  readonly reason: string
}

/**
 * gone   it was done, or there is nobody to do it for: forget it
 * dead   it will never be done as it is
 * later  not now: keep it, and ask again when something has changed
 * login  its user has to log in first
 */
export type OutboxVerdict = 'gone' | 'dead' | 'later' | 'login'

/** What a server's answer, or its absence (0), makes of a queued write. */
export function outboxVerdict(status: number): OutboxVerdict {
  if (status >= 200 && status < 300) return 'gone'
  if (status === 401) return 'login'
  // Too early, too many, too slow: the same write may do well later.
  const early = status === 408 || status === 425 || status === 429
  return status >= 400 && status < 500 && !early ? 'dead' : 'later'
}

/** What storage holds may be of another version, or of anybody; undefined when it is no write of ours. */
export function parseItem(text: string | undefined): OutboxItem | DeadItem | undefined {
  try {
    const item = JSON.parse(text!) as OutboxItem
    const { seq, at, headers, entity, user, method, path, key } = item
    const words: readonly unknown[] = [entity, user, method, path, key]
    const whole = typeof seq === 'number' && typeof at === 'number' && typeof headers === 'object'
    return whole && words.every((word) => typeof word === 'string') ? item : undefined
  } catch {
    return undefined
  }
}

export function isDead(item: OutboxItem | DeadItem): item is DeadItem {
  return 'status' in item
}
