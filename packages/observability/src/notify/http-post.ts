import type { Delivery } from './channel.ts'

/** An answer of a channel. */
export interface PostAnswer {
  readonly status: number
  /** At most 64 KiB of it. */
  readonly text: string
  readonly retryAfterMs: number | undefined
}

const answerBytesMax = 65_536
const retryAfterMsMax = 3_600_000

/** Posts a body and reads the answer. Rejects when nothing answers or the signal aborts. Redirects are answers like others. */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PostAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'budao', ...headers },
    body,
    redirect: 'manual',
    signal,
  })
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes >= answerBytesMax) break
  }
  return {
    status: answer.status,
    text: Buffer.concat(chunks).toString('utf8').slice(0, answerBytesMax),
    retryAfterMs: retryAfter(answer.headers.get('retry-after')),
  }
}

/**
 * How a status alone is taken: 2xx is delivered; too many, too slow and broken servers are asked again, later where they say so;
 * everything else would be refused again.
 */
export function byStatus({ status, text, retryAfterMs }: PostAnswer): Delivery {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  const why = `answered ${status}${text.trim() === '' ? '' : `: ${text.trim().slice(0, 200)}`}`
  if (status !== 429 && status !== 408 && status < 500) return { kind: 'refused', why }
  return { kind: 'retry', why, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) }
}

/** Seconds, or a date. */
function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(retryAfterMsMax, Math.max(0, ms))
}
