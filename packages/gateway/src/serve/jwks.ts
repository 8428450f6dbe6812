import type { JwksConfig } from '@budao/model'
import type { OwnAnswer } from '../exchange/own-answer.ts'
import { wrongMethod } from '../exchange/reply.ts'
import type { Reply } from '../filters/filter.ts'
import { parsePrivateKeys, publicJwk } from '../keys/private-keys.ts'
import { LookedFile, type LookedFilesEnv } from './looked-files.ts'

const readOnly = wrongMethod('GET, HEAD')

/** The public parts of the keys of a file. Throws when it cannot be used. */
export function jwks({ key }: JwksConfig, env: LookedFilesEnv): OwnAnswer {
  const file = new LookedFile(key, env, (text) => replyOf(text))
  return ({ method }) => (method === 'GET' || method === 'HEAD' ? file.value : readOnly)
}

/** Those who check tokens may keep it for five minutes, as the jwt filter does. */
function replyOf(text: string): Reply {
  return {
    status: 200,
    headers: [
      ['Content-Type', 'application/jwk-set+json'],
      ['Cache-Control', 'public, max-age=300'],
    ],
    body: JSON.stringify({
      keys: parsePrivateKeys(text).map(({ key, algorithm }) => ({ ...publicJwk(key), alg: algorithm })),
    }),
  }
}
