import type { Reply } from '../filters/filter.ts'

/** What an ACME directory must be answered for the tokens under way, by token. */
export type Challenges = ReadonlyMap<string, string>

const PREFIX = '/.well-known/acme-challenge/'

/** The answer to a directory that asks for a token under way over plain HTTP (RFC 8555 §8.3); null for all else. */
export function challengeReply(
  challenges: Challenges,
  { scheme, method, path }: { readonly scheme: string; readonly method: string; readonly path: string },
): Reply | null {
  if (scheme !== 'http' || !path.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return null
  const body = challenges.get(path.slice(PREFIX.length))
  if (body === undefined) return null
  const headers = [
    ['Content-Type', 'application/octet-stream'],
    ['Cache-Control', 'no-store'],
  ] as const
  return { status: 200, headers, body }
}
