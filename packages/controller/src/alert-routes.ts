import { parseDuration, type AckWish, type AlertsDesk, type SilenceWish } from '@budao/model'
import { ackPage } from './alert-page.ts'
import type { AdminReply } from './admin-reply.ts'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show, text } from './parameters.ts'

const matchersMax = 20

/** The part of the API that is about alerts. */
export function alertRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): AlertsDesk => source.alerts?.() ?? off()
  return [
    {
      method: 'GET',
      url: '/api/v1/alerts',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return desk().report()
      },
    },
    {
      method: 'POST',
      url: '/api/v1/alerts/acknowledge',
      role: 'operator',
      handle(request) {
        const wish = ackBody(request.body)
        const alerts = desk().acknowledge(wish)
        if (alerts === 0)
          throw new ApiError('unknown-alert', `no alert ${show(wish.alert)} fires`, {
            hint: 'GET /api/v1/alerts names those that do, with their fingerprints.',
          })
        log.info({ from: request.ip, ...wish }, 'alerts acknowledged')
        return { ok: true, alerts }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/alerts/silences',
      role: 'operator',
      handle(request) {
        const wish = silenceBody(request.body)
        log.info({ from: request.ip, ...wish }, 'silence asked for')
        try {
          return desk().silence(wish)
        } catch (error) {
          if (error instanceof RangeError) throw badParameter(error.message)
          throw error
        }
      },
    },
    {
      method: 'DELETE',
      url: '/api/v1/alerts/silences/:id',
      role: 'operator',
      handle(request) {
        noQuery(request.query)
        const { id } = request.params as { id: string }
        if (!desk().endSilence(id, 'the API'))
          throw new ApiError('unknown-silence', `there is no silence ${show(id)} that holds`)
        log.info({ from: request.ip, id }, 'silence ended')
        return { ok: true, id }
      },
    },
    {
      // Programs that look at mail open every link: opening one changes nothing, its button does.
      method: 'GET',
      url: '/api/v1/alerts/links/:token',
      role: 'open',
      handle(request, reply) {
        const { token } = request.params as { token: string }
        return page(reply, ackPage(desk().linkSummary(token), null))
      },
    },
    {
      method: 'POST',
      url: '/api/v1/alerts/links/:token',
      role: 'open',
      handle(request, reply) {
        const { token } = request.params as { token: string }
        const done = desk().acknowledgeLink(token)
        if (done !== null) log.info({ from: request.ip, alerts: done }, 'alerts acknowledged by a link')
        return page(reply, ackPage(done === null ? null : [], done))
      },
    },
  ]
}

function page(reply: AdminReply, { status, html }: { status: number; html: string }): string {
  reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
  return html
}

function ackBody(body: unknown): AckWish {
  const given = object('the body', body, 'For example {"alert": "BudaoBreakerOpen", "by": "lin"}.')
  onlyKeys(given, ['alert', 'by', 'reason'], 'key')
  const { alert, by, reason } = given
  return {
    alert: text('alert', alert),
    by: text('by', by),
    reason: reason === undefined ? '' : text('reason', reason),
  }
}

function silenceBody(body: unknown): SilenceWish {
  const given = object(
    'the body',
    body,
    'For example {"matchers": ["alertname=BudaoBreakerOpen"], "for": "2h", "by": "lin", "reason": "…"}.',
  )
  onlyKeys(given, ['matchers', 'for', 'by', 'reason'], 'key')
  const { matchers, for: length, by, reason } = given
  const good = Array.isArray(matchers) && matchers.length > 0 && matchers.length <= matchersMax
  if (!good) throw badParameter(`matchers must be a list of 1 to ${matchersMax}, got ${show(matchers)}`)
  const forMs = typeof length === 'string' ? parseDuration(length) : undefined
  if (forMs === undefined || forMs < 1_000)
    throw badParameter(`for must be a duration of at least 1s, such as 2h, got ${show(length)}`)
  return {
    matchers: matchers.map((each) => text('matchers', each)),
    forMs,
    by: text('by', by),
    reason: text('reason', reason),
  }
}

function off(): never {
  throw new ApiError('alerts-off', 'this process judges no rules', {
    hint: 'Give it alerts in the configuration, and start it with budao up or budao controller.',
  })
}
