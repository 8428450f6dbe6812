const http = process.getBuiltinModule('node:http')

/** What is asked. */
export interface ReadinessQuestion {
  /** Origin of the admin API: its `/readyz` has to say 200. */
  readonly admin: string
  /** A listener that has to answer below 500, too. */
  readonly url?: string | undefined
  /** Without both answers by then it is not ready. */
  readonly timeoutMs: number
}

/** Whether requests are welcome at a gateway; the reason is one line. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/** Asks a gateway. Never rejects, and never takes longer than `timeoutMs`. */
export async function askReadiness({ admin, url, timeoutMs }: ReadinessQuestion): Promise<Readiness> {
  const abort = new AbortController()
  const deadline = setTimeout(() => abort.abort(), timeoutMs)
  try {
    const readyz = new URL('/readyz', admin)
    const asked = [
      answer(readyz, abort.signal, (status) => status === 200),
      ...(url === undefined ? [] : [answer(new URL(url), abort.signal, (status) => status < 500)]),
    ]
    const reasons = (await Promise.all(asked)).filter((reason) => reason !== undefined)
    const [reason] = reasons
    if (reason === undefined) return { ready: true }
    return { ready: false, reason: abort.signal.aborted ? `${reason} within ${timeoutMs} ms` : reason }
  } finally {
    clearTimeout(deadline)
    abort.abort()
  }
}

/** Undefined where the status is right; otherwise what is wrong. */
function answer(
  url: URL,
  signal: AbortSignal,
  right: (status: number) => boolean,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    // A connection of its own: one that is kept says nothing about whether new ones are taken.
    const asked = http.request(
      url,
      { agent: false, signal, headers: { connection: 'close' } },
      (response) => {
        const status = response.statusCode ?? 0
        response.on('error', () => {}).resume()
        resolve(right(status) ? undefined : `${url.href} answers ${status}`)
      },
    )
    asked.on('error', (error: NodeJS.ErrnoException) => {
      resolve(signal.aborted ? `${url.href} gave no answer` : `${url.href}: ${error.code ?? error.message}`)
    })
    asked.end()
  })
}
