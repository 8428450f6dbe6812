import { failureOf } from '../failure.ts'
import type { Transport } from '../transport.ts'

/** What is used of `fetch`, where there is one: in browsers and in Node. */
export interface FetchHost {
  // Its `signal` is of a type that not every platform has.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly fetch: (
    url: string,
    init: any,
  ) => Promise<{
    readonly status: number
    readonly headers: { forEach(each: (value: string, name: string) => void): void }
    text(): Promise<string>
    arrayBuffer(): Promise<ArrayBuffer>
  }>
  readonly AbortController?: (new () => { readonly signal: unknown; abort(): void }) | undefined
}

/** Plain `fetch`, for H5 builds and tests: `fetchTransport(globalThis)`. What it throws does not say whether anything was sent. */
export function fetchTransport(host: FetchHost): Transport {
  return {
    name: 'fetch',
    send({ method, url, headers, body, responseType }, user) {
      let over = false
      const controller = host.AbortController && new host.AbortController()
      const once = (tell: () => void): void => {
        if (!over) tell()
        over = true
      }
      const run = async (): Promise<void> => {
        const init: Record<string, unknown> = { method, headers: Object.assign({}, headers) }
        // Some take a key without a value for a value.
        if (body !== undefined) init['body'] = body
        if (controller) init['signal'] = controller.signal
        const response = await host.fetch(url, init)
        const received = await (responseType === 'text' ? response.text() : response.arrayBuffer())
        const lower: Record<string, string> = {}
        response.headers.forEach((value, name) => {
          lower[name.toLowerCase()] = value
        })
        once(() =>
          user.onAnswer({ status: response.status, headers: lower, body: received, native: response }),
        )
      }
      run().catch((error: unknown) => once(() => user.onFailure(failureIn(error))))
      return () => {
        over = true
        controller?.abort()
      }
    },
  }
}

/** Browsers hide why; Node says it in the cause. */
function failureIn(error: unknown): ReturnType<typeof failureOf> {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } }
  const code = cause?.code ?? ''
  const kind =
    /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT|CERT_|DEPTH_|SELF_|ERR_TLS)/.test(
      code,
    )
      ? 'not-sent'
      : /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)/.test(code)
        ? 'broken'
        : 'unknown'
  return failureOf(kind, cause?.message ?? message ?? String(error))
}
