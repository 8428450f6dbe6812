import type { Processes, Supervisor, SupervisorOptions } from './supervisor.ts'

/** As `new Supervisor`; what it needs is loaded only where a configuration has processes. */
export async function startSupervisor(processes: Processes, options: SupervisorOptions): Promise<Supervisor> {
  const { Supervisor } = await import('./supervisor.ts')
  return new Supervisor(processes, options)
}
