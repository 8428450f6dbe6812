import type { OwnAnswer } from '../exchange/own-answer.ts'
import { wrongMethod } from '../exchange/reply.ts'
import { codeReply } from './serve-replies.ts'

const readOnly = wrongMethod('GET, HEAD')

/** The signed list as the main thread has made it last. */
export function channels(text: () => string | undefined): OwnAnswer {
  const missing = codeReply('channels_unavailable', 1)
  return ({ method }) => {
    if (method !== 'GET' && method !== 'HEAD') return readOnly
    const body = text()
    if (body === undefined) return missing
    return {
      status: 200,
      headers: [
        ['Content-Type', 'application/jose'],
        ['Cache-Control', 'no-store'],
      ],
      body,
    }
  }
}
