import type { IncomingMessage } from 'node:http'
import { parse } from 'secure-json-parse'
import { ApiError } from './api-error.ts'

const bodyBytesMax = 64 * 1024

/** How a body is read: not at all, as JSON, or as a form. */
export type BodyKind = 'none' | 'json' | 'form'

/** Decides by the head. Throws `json-required`; nothing of the body has been read then. */
export function bodyKind({ method, headers }: IncomingMessage): BodyKind {
  if (method === 'GET' || method === 'HEAD') return 'none'
  const { 'content-type': type, 'content-length': length = '0', 'transfer-encoding': coding } = headers
  if (type === undefined && coding === undefined && length === '0') return 'none'
  const media = type?.split(';', 1)[0]!.trim().toLowerCase()
  if (media === 'application/json') return 'json'
  // The button on a page of ours; what changes anything else wants JSON, see `refusal`.
  if (media === 'application/x-www-form-urlencoded') return 'form'
  throw new ApiError('json-required', 'the content type must be application/json')
}

/**
 * Reads a body to its end: what its JSON says, and of a form nothing. Throws `body-too-large` beyond 64 KiB, of which
 * never more is kept, `bad-json`, also for keys that would reach into prototypes, and `bad-request` where it breaks off.
 */
export async function readBody(request: IncomingMessage, kind: BodyKind): Promise<unknown> {
  if (kind === 'none') return undefined
  const text = await readText(request)
  // A change without parameters needs no body, but still the content type.
  if (kind === 'form' || text === '') return {}
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' })
  } catch (error) {
    throw new ApiError('bad-json', `the body is not JSON: ${(error as Error).message}`)
  }
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length']) > bodyBytesMax) return reject(tooLarge())
    const chunks: Buffer[] = []
    let bytes = 0
    const take = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) return void chunks.push(chunk)
      // What still comes flows into nothing until the connection is closed. Leaving by an iterator would close it at
      // once, and the refusal would be lost.
      chunks.length = 0
      reject(tooLarge())
    }
    request.on('data', take)
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.once('error', () => reject(new ApiError('bad-request', 'the body broke off')))
  })
}

const tooLarge = (): ApiError =>
  new ApiError('body-too-large', `the body must be at most ${bodyBytesMax} bytes long`)
