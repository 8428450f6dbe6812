import type { KeptAnswer } from '@budao/resilience'

/**
 * An answer kept for others: what the origin said, and how long that is good for what. Texts are latin1, one character
 * a byte.
 */
export interface StoredAnswer extends KeptAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly reason: string
  /** Header lines, each with its line end, without Content-Length, Age and those of the connection. */
  readonly lines: string
  readonly body: string
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
  /** What it can be purged by. */
  readonly tags: readonly string[]
}

/** Kept in place of an answer that depends on more of the request than its URL: where the answers themselves are. */
export interface VaryMark {
  readonly kind: 'vary'
  /** Request headers in lower case, sorted. */
  readonly names: readonly string[]
  /** Part of the keys of its answers: with the mark gone they cannot be found, and a new mark does not find them again. */
  readonly id: string
  /** Wall-clock milliseconds. */
  readonly receivedAt: number
  readonly keepMs: number
}

/** What a store holds under one key. */
export type StoredRecord = StoredAnswer | VaryMark

/** A record in two parts: what is said of it, as JSON, and the body of an answer. */
export interface RecordParts {
  readonly meta: string
  readonly body: string
}

/** Takes a record apart for keeping. */
export function recordParts(record: StoredRecord): RecordParts {
  if (record.kind === 'vary') return { meta: JSON.stringify(record), body: '' }
  const { body, ...meta } = record
  return { meta: JSON.stringify(meta), body }
}

/** Puts a record together again; null for what is none, such as one of another version of the gateway. */
export function recordOf({ meta, body }: RecordParts): StoredRecord | null {
  try {
    const record = JSON.parse(meta) as StoredRecord
    if (record.kind === 'vary') return record
    return record.kind === 'answer' ? { ...record, body } : null
  } catch {
    return null
  }
}
