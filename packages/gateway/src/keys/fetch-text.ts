import { request as requestHttps } from 'node:https'

const http = process.getBuiltinModule('node:http')

export interface FetchLimits {
  /** For all of it, milliseconds. */
  readonly timeoutMs: number
  readonly bytesMax: number
}

/**
 * The body of what a URL answers to GET, as UTF-8. Rejects with one sentence for anything but 200, a body that is too large or
 * takes too long. Redirects are not followed: who may say where keys are is who wrote the configuration.
 */
export function fetchText(url: string, { timeoutMs, bytesMax }: FetchLimits): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no complete answer within ${timeoutMs} ms`) : error)
    const request = (url.startsWith('https:') ? requestHttps : http.request)(url, {
      signal,
      headers: { accept: 'application/jwk-set+json, application/json', 'user-agent': 'budao' },
      agent: false,
    })
    request.on('error', fail)
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        response.destroy()
        return reject(new Error(`expected 200, got ${response.statusCode}`))
      }
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        parts.push(part)
        if (bytes > bytesMax) response.destroy(new Error(`expected at most ${bytesMax} bytes`))
      })
      response.on('error', fail)
      response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    })
    request.end()
  })
}
