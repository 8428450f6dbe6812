import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { entries, get, isObject, items } from './config-values.ts'

/** What no single value of `alerts` shows. */
export function* checkAlerts(value: unknown): Generator<Finding> {
  const alerts = get(value, 'alerts')
  if (!isObject(alerts)) return
  const receivers = get(alerts, 'receivers') ?? {}
  const lists: [Path, unknown][] = [
    [['alerts', 'notify'], get(alerts, 'notify')],
    [['alerts', 'escalation', 'to'], get(get(alerts, 'escalation'), 'to')],
  ]
  let mail = entries(receivers).some(([, receiver]) => get(receiver, 'email') !== undefined)
  for (const [path, list] of lists)
    for (const [index, to] of items(list).entries()) {
      if (typeof to === 'string' && to.includes('@')) mail = true
      else yield* checkReference([...path, index], to, receivers, 'receiver')
    }
  if (mail && get(alerts, 'smtp') === undefined)
    yield { path: ['alerts', 'smtp'], message: 'missing', expected: 'the mail server that messages leave by' }
  const smtp = get(alerts, 'smtp')
  if (isObject(smtp) && (get(smtp, 'user') === undefined) !== (get(smtp, 'password') === undefined))
    yield {
      path: ['alerts', 'smtp', 'password'],
      message: 'half a login',
      expected: 'both user and password',
    }
}
