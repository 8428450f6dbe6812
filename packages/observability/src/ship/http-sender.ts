import { SinkBusyError, SinkTooLargeError } from './log-sink.ts'

/** An answer with its body, which is always read: a connection is kept only so. */
export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

const answerTextMax = 8_388_608

/** Posts a body. Rejects where the sink is away, asks to be left alone (429, 5xx), or finds it too large (413). */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
  const text = (await answer.text()).slice(0, answerTextMax)
  if (answer.status === 429 || answer.status >= 500) {
    throw new SinkBusyError(
      `${answer.status} ${text.slice(0, 200)}`,
      retryAfterMs(answer.headers.get('retry-after')),
    )
  }
  if (answer.status === 413)
    throw new SinkTooLargeError(`413 for ${Buffer.byteLength(body)} bytes: ${text.slice(0, 200)}`)
  return { status: answer.status, text }
}

const retryAfterMsMax = 300_000

/** Seconds or a date, as RFC 9110 has it; at most five minutes. */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.min(retryAfterMsMax, ms))
}
