import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { refusal } from './access.ts'
import type { AdminTokens, Role } from './access.ts'
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

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Puts the routes, the access rules and the refusals on an empty fastify instance. */
export function registerAdmin(app: FastifyInstance, options: AdminAppOptions): void {
  readJsonOnly(app)
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders)
  })
  app.setNotFoundHandler((request, reply) => {
    guard(request, 'open', options.tokens)
    const error = new ApiError('not-found', `there is nothing at ${request.method} ${pathOf(request)}`, {
      hint: 'See /api/v1/openapi.json.',
    })
    return reply.code(error.status).send(error.body)
  })
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) =>
    answerError(error, request, reply, options),
  )

  const allowed = new Map<string, string[]>()
  for (const { method, url, role, handle } of routesOf(options)) {
    const onRequest = async (request: FastifyRequest): Promise<void> => guard(request, role, options.tokens)
    const taken = method === 'GET' ? ['GET', 'HEAD'] : [method]
    app.route({ method: taken, url, onRequest, handler: handle })
    allowed.set(url, [...(allowed.get(url) ?? []), ...taken])
  }
  for (const [url, taken] of allowed) refuseOtherMethods(app, url, taken, options.tokens)
}

/** Answers what the router cannot even read, before any hook. */
export function refuseUnreadable(error: FastifyError, reply: FastifyReply): FastifyReply {
  const { status, body } = new ApiError('bad-request', error.message)
  return reply.code(status).headers(securityHeaders).type('application/json; charset=utf-8').send(body)
}

function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // A change without parameters needs no body, but still the content type.
    if (body === '') return done(null, {})
    return parse(request, body as string, done)
  })
  // The button on a page of ours; what changes anything else wants JSON, see `refusal`.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, _body, done) => done(null, {}),
  )
}

function refuseOtherMethods(
  app: FastifyInstance,
  url: string,
  allowed: readonly string[],
  tokens: AdminTokens,
): void {
  const refuse = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    guard(request, 'open', tokens)
    reply.header('allow', allowed.join(', '))
    throw new ApiError('method-not-allowed', `${pathOf(request)} answers ${allowed.join(', ')} only`)
  }
  const others = methods.filter((method) => !allowed.includes(method))
  // Refused before the body is read.
  app.route({ method: others, url, onRequest: refuse, handler: refuse })
}

function guard(request: FastifyRequest, role: Role, tokens: AdminTokens): void {
  const { host, authorization, origin, 'content-type': contentType } = request.headers
  const refused = refusal(role, { host, authorization, origin, contentType }, tokens)
  if (refused !== null) throw refused
}

function answerError(
  error: FastifyError | ApiError,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, source }: AdminAppOptions,
): FastifyReply {
  const known = whileStarting(error instanceof ApiError ? error : fromFastify(error), source)
  if (known.status === 500) {
    log.error({ err: error, method: request.method, path: pathOf(request) }, 'an admin request failed')
  }
  if (known.status === 401) reply.header('www-authenticate', 'Bearer realm="budao"')
  return reply.code(known.status).type('application/json; charset=utf-8').send(known.body)
}

/** A part that is not there yet is not said to be missing: whoever asks early would believe it. */
function whileStarting(error: ApiError, source: AdminAppOptions['source']): ApiError {
  if (!error.body.error.endsWith('-off') || source.starting?.() !== true) return error
  return new ApiError('not-ready', 'this process is still starting: ask again in a moment')
}

/** Gives the router's and the body reader's own errors our words. */
function fromFastify(error: FastifyError): ApiError {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError('body-too-large', 'the body must be at most 65536 bytes long')
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ApiError('json-required', 'the content type must be application/json')
  }
  if (error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new ApiError('bad-json', `the body is not JSON: ${error.message}`)
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ApiError('bad-request', error.message)
  }
  // Its message may quote what only operators should see: the log has it.
  return new ApiError('internal', 'this failed inside; the log says why')
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!.slice(0, 200)
