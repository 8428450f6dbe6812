import { dirname } from 'node:path'
import type { Config, Problem } from '@budao/model'
import type { ConfigFile } from '../locate-config.ts'

/** What came of asking the servers that a configuration names. */
export interface Probed {
  /** What would be refused at the start. */
  readonly problems: readonly Problem[]
  /** What works, and would be better otherwise. */
  readonly warnings: readonly Problem[]
}

/** Asks the database of `replication` whether it can keep what the file promises; each finding has the line to change there. */
export async function probeDatabase(config: Config, file: ConfigFile): Promise<Probed> {
  const { replication, node } = config
  if (replication === undefined) return { problems: [], warnings: [] }
  const [{ preflightDatabases }, { placeProblem }] = await Promise.all([
    import('@budao/replicator'),
    import('@budao/model/parser'),
  ])
  const place = placeProblem(file.text, file.name)
  const path = ['replication', 'database']
  const promised = Object.values(replication.tables).some(({ durability }) => durability === 'sync')
  try {
    const findings = await preflightDatabases({ [node.site]: { replication, baseDir: dirname(file.path) } })
    const placed = findings.map(({ setting, found, expected, why, change, forbids }) => ({
      isRefused: forbids === 'replication' || (forbids === 'no-loss' && promised),
      problem: place({ path, message: `${setting}: ${why} (${change.trim()})`, expected, found }),
    }))
    return {
      problems: placed.filter(({ isRefused }) => isRefused).map(({ problem }) => problem),
      warnings: placed.filter(({ isRefused }) => !isRefused).map(({ problem }) => problem),
    }
  } catch (error) {
    const message = `the database cannot be asked: ${error instanceof Error ? error.message : String(error)}`
    return { problems: [place({ path, message, expected: 'a server that answers' })], warnings: [] }
  }
}
