import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ControllerError } from '../controller-error.ts'

/** How long another agent may take to end before this one gives up, milliseconds. */
const patienceMs = 2_000

/**
 * Holds a folder for one agent alone: the system lets go of it however that process ends, so nobody has to judge whether
 * a lock is stale. Throws AGENT_LOCKED where another one has it.
 */
export function lockFolder(folder: string): { release(): void } {
  const db = new DatabaseSync(join(folder, 'agent.lock'), { timeout: patienceMs })
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    throw new ControllerError(
      'AGENT_LOCKED',
      `another agent looks after the processes of ${folder}`,
      'Stop it, or give this one a dataDir of its own: two would start everything twice.',
      { cause: error },
    )
  }
  return { release: () => db.close() }
}
