import type { RedirectConfig, RespondConfig, RouteConfig } from '@budao/model'
import type { Reply, RequestView } from '../filters/filter.ts'
import { wireBytes } from './request-values.ts'

/** What a route answers by itself. `path` is the client's, or what the route makes of it. */
export type OwnAnswer = (request: RequestView, path: string) => Reply

/** Null for a route that asks a service. */
export function ownAnswer({ respond, redirect }: RouteConfig): OwnAnswer | null {
  if (respond !== undefined) {
    const reply = responseOf(respond)
    return () => reply
  }
  return redirect === undefined ? null : (request, path) => redirection(redirect, request, path)
}

function responseOf({ status, headers, body, json }: RespondConfig): Reply {
  const lines = Object.entries(headers).map(([name, value]) => [name, wireBytes(value)] as const)
  const typed = lines.some(([name]) => name.toLowerCase() === 'content-type')
  const type = json === undefined ? 'text/plain; charset=utf-8' : 'application/json'
  const text = json === undefined ? (body ?? '') : JSON.stringify(json)
  return { status, headers: typed || text === '' ? lines : [['Content-Type', type], ...lines], body: text }
}

function redirection(redirect: RedirectConfig, request: RequestView, path: string): Reply {
  const { status, keepQuery } = redirect
  const query = keepQuery && request.query !== '' ? `?${request.query}` : ''
  const location = `${originOf(redirect, request)}${path}${query}`
  return { status, headers: [['Location', location]], body: '' }
}

/** Empty for an HTTP/1.0 client that named no host: where it is then stays where it is. */
function originOf({ scheme, host, port }: RedirectConfig, request: RequestView): string {
  const name = host ?? request.host
  if (name === '') return ''
  const to = scheme ?? request.scheme
  // As the Gateway API has it: another scheme or host is asked at its own port.
  const asked = port ?? (scheme === undefined && host === undefined ? portIn(request.header('host')) : '')
  const own = `${asked}` === '' || `${asked}` === (to === 'https' ? '443' : '80')
  return `${to}://${name}${own ? '' : `:${asked}`}`
}

function portIn(authority: string = ''): string {
  return /:(\d+)$/.exec(authority)?.[1] ?? ''
}
