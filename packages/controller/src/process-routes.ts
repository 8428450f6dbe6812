import type { ProcessChange, ProcessDesk } from './admin-source.ts'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show, text } from './parameters.ts'

const actions: readonly ProcessChange['action'][] = ['start', 'stop', 'restart']

/** The part of the API that is about supervised processes. */
export function processRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): ProcessDesk => source.agent?.() ?? off()
  return [
    {
      method: 'GET',
      url: '/api/v1/processes',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return { processes: desk().processes() }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/processes/:name',
      role: 'operator',
      handle(request) {
        const { name } = request.params as { name: string }
        const change = changeBody(request.body)
        const asked = desk()
        const known = asked.processes().map((each) => each.name)
        if (!known.includes(name)) {
          throw new ApiError('unknown-process', `there is no process ${show(name)}`, {
            hint: `Known: ${known.join(', ')}.`,
          })
        }
        log.info({ from: request.ip, process: name, ...change }, `process ${change.action} asked for`)
        asked.change(name, change)
        return { ok: true, process: asked.processes().find((each) => each.name === name) }
      },
    },
  ]
}

function changeBody(body: unknown): ProcessChange {
  const given = object('the body', body, 'For example {"action": "restart", "reason": "…"}.')
  onlyKeys(given, ['action', 'reason'], 'key')
  const { reason } = given
  const action = actions.find((each) => each === given['action'])
  if (action === undefined)
    throw badParameter(`action must be start, stop or restart, got ${show(given['action'])}`)
  return { action, reason: reason === undefined ? '' : text('reason', reason) }
}

function off(): never {
  throw new ApiError('agent-off', 'this process supervises no others', {
    hint: 'Give it processes in the configuration, and start it with budao agent or budao up.',
  })
}
