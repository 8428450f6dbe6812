import type { Gateway } from '@budao/gateway'
import type { Config } from '@budao/model'
import type { ControlRole, ControlRoleOptions } from './control-role.ts'

/** The part in failover of a process with a gateway; null without `control`, which then costs nothing. */
export async function startControl(
  config: Config,
  _gateway: Gateway,
  options: Omit<ControlRoleOptions, 'serving' | 'decides' | 'now'>,
): Promise<ControlRole | null> {
  if (config.control === undefined) return null
  const { ControlRole } = await import('./control-role.ts')
  return ControlRole.start(config, {
    ...options,
    decides: false,
    serving: null,
    now: () => performance.now(),
  })
}
