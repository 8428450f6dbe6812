import type { AccessToken } from '@budao/model'
import type { OwnAnswer } from '../exchange/own-answer.ts'
import { wrongMethod } from '../exchange/reply.ts'
import { codeReply } from './serve-replies.ts'

const readOnly = wrongMethod('GET, HEAD')

/** The provider's access token as the main thread has fetched it last. */
export function accessToken(text: () => string | undefined, wallNow: () => number): OwnAnswer {
  const missing = codeReply('access_token_unavailable', 2)
  return ({ method }) => {
    if (method !== 'GET' && method !== 'HEAD') return readOnly
    const json = text()
    if (json === undefined) return missing
    const { token, expiresAt } = JSON.parse(json) as AccessToken
    const expiresIn = Math.floor((expiresAt - wallNow()) / 1_000)
    if (expiresIn <= 0) return missing
    return {
      status: 200,
      headers: [
        ['Content-Type', 'application/json'],
        ['Cache-Control', 'no-store'],
      ],
      body: JSON.stringify({ accessToken: token, expiresIn }),
    }
  }
}
