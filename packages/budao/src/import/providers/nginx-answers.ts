import type { Written } from '../imported.ts'
import { substitute } from './nginx-values.ts'

/** `respond` or `redirect` of a route; a text says why there is none. */
export type OwnAnswer = { readonly respond: Written } | { readonly redirect: Written } | string

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** What `return` says: `code`, `code text`, `code URL` or `URL`. */
export function returned(
  args: readonly string[],
  variables: ReadonlyMap<string, string>,
  contentType: string | undefined,
): OwnAnswer {
  const [first = '', second] = args.map((arg) => substitute(arg, variables))
  if (!/^\d{3}$/.test(first)) return redirectTo(first, 302)
  const status = Number(first)
  if (redirects.has(status)) return second === undefined ? bodyless(status) : redirectTo(second, status)
  if (status === 444) return 'a connection cannot be closed without an answer'
  if (second?.includes('$')) return 'the text of the answer has variables'
  if (status < 200 || status > 599) return 'only statuses from 200 to 599 can be answered'
  const headers = contentType === undefined ? {} : { headers: { 'Content-Type': contentType } }
  return { respond: { status, ...(second === undefined ? {} : { ...headers, body: second }) } }
}

function bodyless(status: number): OwnAnswer {
  return { respond: { status } }
}

/** A redirect to what may have `$scheme`, `$host` and `$request_uri` where they stand as a whole part. */
export function redirectTo(target: string, status: number): OwnAnswer {
  const parts = /^(?:(https?|\$scheme):\/\/([^/$]+|\$host|\$http_host|\$server_name)(?=$|[/$]))?(.*)$/s.exec(
    target,
  )
  if (parts === null) return 'the address has variables that cannot be computed'
  const [, scheme, authority, rest = ''] = parts
  const place =
    authority === undefined || authority.startsWith('$') ? undefined : /^(.*?)(?::(\d+))?$/.exec(authority)
  const path = redirectPath(rest)
  if (path === undefined) return 'the address has variables that cannot be computed'
  return {
    redirect: {
      ...(scheme === undefined || scheme === '$scheme' ? {} : { scheme }),
      ...(place === undefined || place === null ? {} : { host: place[1] }),
      ...(place?.[2] === undefined ? {} : { port: Number(place[2]) }),
      ...path,
      status,
    },
  }
}

function redirectPath(rest: string): Written | undefined {
  if (rest === '$request_uri' || rest === '$uri$is_args$args') return {}
  if (rest === '$uri') return { keepQuery: false }
  const [path = '', query] = rest.split('?')
  if (rest.includes('$') || (query !== undefined && query !== '')) return undefined
  return { path: path === '' ? '/' : path, keepQuery: false }
}

/** What one `rewrite` does where it only puts one prefix in place of another. */
export interface PrefixRewrite {
  readonly from: string
  readonly to: string
  /** Of a redirect; 0 for a change on the way to the backend. */
  readonly status: number
}

/** `rewrite ^/old/(.*)$ /new/$1 break;` and what is like it; undefined when it says more. */
export function prefixRewrite(args: readonly string[]): PrefixRewrite | undefined {
  const [pattern = '', replacement = '', flag = ''] = args
  const from = /^\^((?:[\w/~-]|\\?[.])*)\(\.[*+]\)\$?$/.exec(pattern)?.[1]?.replaceAll('\\', '')
  const to = /^([\w./~-]*)\$1$/.exec(replacement)?.[1]
  if (from === undefined || to === undefined || !from.startsWith('/') || !to.startsWith('/')) return undefined
  const status = { redirect: 302, permanent: 301, break: 0, last: 0, '': 0 }[flag]
  return status === undefined ? undefined : { from, to, status }
}
