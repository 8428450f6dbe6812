import type { IncomingMessage, RequestListener } from 'node:http'
import { refusal } from './access.ts'
import type { AdminTokens, Role } from './access.ts'
import { bodyKind, readBody } from './admin-body.ts'
import { AdminReply } from './admin-reply.ts'
import { pathOf } from './admin-request.ts'
import { AdminRouter } from './admin-router.ts'
import type { AdminMatch } from './admin-router.ts'
import { routesOf } from './admin-routes.ts'
import type { AdminRoutesOptions } from './admin-routes.ts'
import type { AdminSource, NodeSource } from './admin-source.ts'
import { ApiError } from './api-error.ts'

export interface AdminAppOptions extends Omit<AdminRoutesOptions, 'source'> {
  readonly source: AdminSource | NodeSource
  readonly tokens: AdminTokens
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Answers requests by the routes, the access rules and the refusals. */
export function adminApp(options: AdminAppOptions): RequestListener {
  const router = new AdminRouter(routesOf(options))
  return (request, response) => {
    const reply = new AdminReply(response, securityHeaders)
    const served = async (): Promise<void> => answer(router.find(request, response), request, reply, options)
    served()
      .catch((error: unknown) => fail(error, request, reply, options))
      .catch(() => response.destroy())
  }
}

/** Nothing of a body is read for whom the route is not, nor where there is none. */
async function answer(
  match: AdminMatch,
  request: IncomingMessage,
  reply: AdminReply,
  { tokens }: AdminAppOptions,
): Promise<void> {
  if (match.kind === 'unreadable') throw new ApiError('bad-request', match.why)
  guard(request, match.kind === 'route' ? match.route.role : 'open', tokens)
  const { method = '', url = '', headers } = request
  if (match.kind === 'nothing') {
    throw new ApiError('not-found', `there is nothing at ${method} ${pathOf(url)}`, {
      hint: 'See /api/v1/openapi.json.',
    })
  }
  if (match.kind === 'other-method') {
    reply.header('allow', match.allowed)
    throw new ApiError('method-not-allowed', `${pathOf(url)} answers ${match.allowed} only`)
  }
  const { route, params, query } = match
  const body = await bodyOf(request, reply)
  const ip = request.socket.remoteAddress ?? ''
  const content = await route.handle({ method, url, headers, ip, params, query, body, raw: request }, reply)
  if (!reply.begun) await reply.send(content)
}

async function bodyOf(request: IncomingMessage, reply: AdminReply): Promise<unknown> {
  const kind = bodyKind(request)
  try {
    return await readBody(request, kind)
  } catch (error) {
    // More of it may be on its way, and must not be taken for the next request.
    reply.header('connection', 'close')
    throw error
  }
}

function guard({ headers }: IncomingMessage, role: Role, tokens: AdminTokens): void {
  const { host, authorization, origin, 'content-type': contentType } = headers
  const refused = refusal(role, { host, authorization, origin, contentType }, tokens)
  if (refused !== null) throw refused
}

async function fail(
  error: unknown,
  { method, url = '' }: IncomingMessage,
  reply: AdminReply,
  { log, source }: AdminAppOptions,
): Promise<void> {
  const known = whileStarting(error instanceof ApiError ? error : internal(), source)
  if (known.status === 500) log.error({ err: error, method, path: pathOf(url) }, 'an admin request failed')
  if (known.status === 401) reply.header('www-authenticate', 'Bearer realm="budao"')
  await reply.refuse(known)
}

/** A part that is not there yet is not said to be missing: whoever asks early would believe it. */
function whileStarting(error: ApiError, source: AdminAppOptions['source']): ApiError {
  if (!error.body.error.endsWith('-off') || source.starting?.() !== true) return error
  return new ApiError('not-ready', 'this process is still starting: ask again in a moment')
}

/** The error's own message may quote what only operators should see: the log has it. */
const internal = (): ApiError => new ApiError('internal', 'this failed inside; the log says why')
