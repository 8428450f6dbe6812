import type { AnalysisConfig, SecretConfig } from '@budao/model'
import type { Measured } from '@budao/resilience'

/** About which rollout a number is asked. */
export interface AskedAbout {
  readonly rollout: string
  readonly route: string
  readonly release: string
  readonly step: number
}

/** What somebody who knows numbers answers: one, with whether a condition over it holds; or why there is none. */
export type Answer =
  | { readonly value: number; readonly holds: boolean }
  | { readonly value: null; readonly why: string }

/** How a secret is read. */
export type ReadSecret = (secret: SecretConfig, path: string) => Promise<string>

const answerBytesMax = 65_536
const stable = 'stable'

/**
 * Asks for the number of the release and, where it is compared, of stable, with a deadline for each. Never rejects: whoever does not
 * answer, or not with a number, has given none. `log` answers for conditions over logs.
 */
export async function askNumber(
  name: string,
  config: AnalysisConfig,
  about: AskedAbout,
  secret: ReadSecret,
  log: (analysis: string, release: string) => Answer,
): Promise<Measured> {
  const ask = (release: string): Promise<Answer> => askOne(name, config, { ...about, release }, secret, log)
  const both = await Promise.all([ask(about.release), config.ofStable === undefined ? null : ask(stable)])
  const [own, other] = both
  if (own.value === null) return { kind: 'nothing', why: own.why }
  if (other !== null && other.value === null) return { kind: 'nothing', why: `of stable: ${other.why}` }
  return { kind: 'value', value: own.value, stable: other?.value ?? null, holds: own.holds }
}

async function askOne(
  name: string,
  { prometheus, webhook, timeout }: AnalysisConfig,
  about: AskedAbout,
  secret: ReadSecret,
  log: (analysis: string, release: string) => Answer,
): Promise<Answer> {
  const at = `rollouts.${about.rollout}.analysis.${name}`
  const deadline = AbortSignal.timeout(timeout)
  try {
    if (prometheus !== undefined) {
      const { url, query, token } = prometheus
      const asked = new URLSearchParams({ query: query.replaceAll('$release', about.release) })
      const headers = await authorization(token, `${at}.prometheus.token`, secret)
      const target = `${url.replace(/\/+$/, '')}/api/v1/query?${asked.toString()}`
      const { status, text } = await read(target, { headers, signal: deadline })
      return seriesAnswer(status, text)
    }
    if (webhook !== undefined) {
      const headers = {
        'content-type': 'application/json',
        ...(await authorization(webhook.token, `${at}.webhook.token`, secret)),
      }
      const body = JSON.stringify({ ...about, analysis: name, step: about.step + 1 })
      const { status, text } = await read(webhook.url, { method: 'POST', headers, body, signal: deadline })
      return hookAnswer(status, text)
    }
    return log(name, about.release)
  } catch (error) {
    const { name: kind, message, cause } = error as Error
    const why = kind === 'TimeoutError' ? `no answer within ${timeout} ms` : message
    return none(cause instanceof Error && cause.message !== '' ? `${why}: ${cause.message}` : why)
  }
}

async function authorization(
  token: SecretConfig | undefined,
  path: string,
  secret: ReadSecret,
): Promise<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${await secret(token, path)}` }
}

/** Reads an answer up to a size. A redirect is an answer: nobody is sent elsewhere with a token. */
async function read(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { ...init, redirect: 'manual' })
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`)
    chunks.push(chunk)
  }
  return { status: answer.status, text: Buffer.concat(chunks).toString('utf8') }
}

/** The HTTP API of Prometheus: an instant query with one number. */
function seriesAnswer(status: number, text: string): Answer {
  const body = parsed(text) as
    | { status?: string; error?: string; data?: { resultType?: string; result?: unknown } }
    | undefined
  if (status !== 200 || body?.status !== 'success')
    return none(`answered ${status}${typeof body?.error === 'string' ? `: ${body.error.slice(0, 200)}` : ''}`)
  const { resultType, result } = body.data ?? {}
  if (resultType === 'scalar') return sampleAnswer(result)
  if (resultType !== 'vector' || !Array.isArray(result))
    return none(`expected one number, got a ${String(resultType)}`)
  if (result.length === 0) return none('no series has that query')
  if (result.length > 1) return none(`expected one number, got ${result.length} series: aggregate them`)
  return sampleAnswer((result[0] as { value?: unknown }).value)
}

function sampleAnswer(sample: unknown): Answer {
  const value = Array.isArray(sample) ? Number(sample[1]) : NaN
  return finite(value, Array.isArray(sample) ? String(sample[1]) : 'nothing')
}

function hookAnswer(status: number, text: string): Answer {
  if (status !== 200) return none(`answered ${status}`)
  const body = parsed(text)
  const value = typeof body === 'object' && body !== null ? (body as { value?: unknown }).value : undefined
  return typeof value === 'number'
    ? finite(value, String(value))
    : none(`expected {"value": a number}, got ${text.slice(0, 80)}`)
}

function finite(value: number, written: string): Answer {
  return Number.isFinite(value) ? { value, holds: false } : none(`${written} is no number`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function none(why: string): Answer {
  return { value: null, why }
}
