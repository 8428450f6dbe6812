import { parseHttpDate } from '../http-date.ts'

/** What a client has already, and what is kept. Values of header fields; absent ones undefined. */
export interface Condition {
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
}

/** By what an answer is told from others of its resource. */
export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** Whether the client has this answer already: 304 then stands for it (RFC 9110, 13.2.2). */
export function isNotModified(condition: Condition, validators: Validators, now: number): boolean {
  const { ifNoneMatch, ifModifiedSince } = condition
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return true
    const { etag } = validators
    return etag !== undefined && entityTags(ifNoneMatch).includes(opaque(etag))
  }
  if (ifModifiedSince === undefined || validators.lastModified === undefined) return false
  const since = parseHttpDate(ifModifiedSince, now)
  const modified = parseHttpDate(validators.lastModified, now)
  return since !== null && modified !== null && modified <= since
}

/** `If-Range`: whether a part of this answer continues what the client has. Only what is surely the same (RFC 9110, 13.1.5). */
export function rangeStands(ifRange: string | undefined, { etag, lastModified }: Validators): boolean {
  if (ifRange === undefined) return true
  if (ifRange.includes('"')) return !ifRange.startsWith('W/') && ifRange === etag
  return lastModified !== undefined && ifRange === lastModified
}

/** The bytes a `Range` asks for: `whole` where it is not one range of bytes, which may be ignored; `none` beyond the end. */
export type ByteRange = { readonly start: number; readonly end: number } | 'whole' | 'none'

/** Reads `bytes=0-99`, `bytes=100-` and `bytes=-100` against a length; `end` is exclusive (RFC 9110, 14.1.2). */
export function byteRange(range: string, length: number): ByteRange {
  const parts = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range)
  if (parts === null) return 'whole'
  const [, first = '', last = ''] = parts
  if (first === '' && last === '') return 'whole'
  if (first === '')
    return last === '0' || length === 0 ? 'none' : { start: Math.max(0, length - Number(last)), end: length }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'whole'
  if (start >= length) return 'none'
  return { start, end: last === '' ? length : Math.min(length, Number(last) + 1) }
}

function entityTags(list: string): string[] {
  return [...list.matchAll(/(?:W\/)?("[^"]*")/g)].map(([, tag]) => tag!)
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}
