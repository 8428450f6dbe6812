import { resolve } from 'node:path'
import { startSupervisor } from '@budao/controller/agent'
import type { Supervisor } from '@budao/controller'
import type { Config, EventDraft } from '@budao/model'

/** What a process gives to its agent. */
export interface AgentRoleOptions {
  /** Folder of the configuration file. */
  readonly baseDir: string
  report(event: EventDraft): void
}

/** Looks after the processes of a configuration; null where it has none. Rejects where another agent does already. */
export async function startAgent(
  { processes, node, dataDir, sites }: Config,
  { baseDir, report }: AgentRoleOptions,
): Promise<Supervisor | null> {
  if (Object.keys(processes).length === 0) return null
  const pidFile = sites[node.site]?.pidFile
  return startSupervisor(processes, {
    site: node.site,
    baseDir,
    dataDir: resolve(baseDir, dataDir),
    pidFile: pidFile === undefined ? null : resolve(baseDir, pidFile),
    report,
  })
}
