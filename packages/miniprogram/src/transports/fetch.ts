import { failureOf } from '../failure.ts'
import type { Transport } from '../transport.ts'

/** What is used of `fetch`, where there is one: in browsers and in Node. */
export interface FetchHost {
  readonly fetch: (
    url: string,
    init: {
      method: string
      headers: Record<string, string>
      body?: string | ArrayBuffer
      signal?: unknown
      credentials?: string
    },
  ) => Promise<{
    readonly status: number
    readonly headers: { forEach(each: (value: string, name: string) => void): void }
    text(): Promise<string>
    arrayBuffer(): Promise<ArrayBuffer>
  }>
  readonly AbortController?: new () => { readonly signal: unknown; abort(): void }
}

/** Plain `fetch`, for H5 builds and tests: `fetchTransport(globalThis)`. What it throws does not say whether anything was sent. */
export function fetchTransport(host: FetchHost): Transport {
  return {
    name: 'fetch',
    send({ method, url, headers, body, responseType }, user) {
      let over = false
      const controller = host.AbortController === undefined ? undefined : new host.AbortController()
      const run = async (): Promise<void> => {
        const response = await host.fetch(url, {
          method,
          headers: { ...headers },
          ...(body === undefined ? {} : { body }),
          ...(controller === undefined ? {} : { signal: controller.signal }),
        })
        const received = responseType === 'arraybuffer' ? await response.arrayBuffer() : await response.text()
        if (over) return
        over = true
        const lower: Record<string, string> = {}
        response.headers.forEach((value, name) => void (lower[name.toLowerCase()] = value))
        user.onAnswer({ status: response.status, headers: lower, body: received, native: response })
      }
      run().catch((error: unknown) => {
        if (over) return
        over = true
        user.onFailure(failureOf(kindOf(error), messageOf(error)))
      })
      return () => {
        over = true
        controller?.abort()
      }
    },
  }
}

/** Browsers hide why; Node says it in the cause. */
function kindOf(error: unknown): 'not-sent' | 'broken' | 'unknown' {
  const code = (error as { cause?: { code?: string } }).cause?.code ?? ''
  if (
    /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|DEPTH_|SELF_|ERR_TLS)/.test(
      code,
    )
  )
    return 'not-sent'
  return /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)/.test(code) ? 'broken' : 'unknown'
}

function messageOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string } }
  return cause?.message ?? message ?? String(error)
}
