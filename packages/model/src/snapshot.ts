import { z } from 'zod'
import type { Config } from './config.ts'
import { plainConfigSchema } from './config-schema.ts'
import { formatPath } from './problem.ts'

/**
 * The complete configuration a gateway applies at once. Plain JSON: it is kept in a file, so that a gateway starts
 * with its last good one, and sent to workers.
 */
export interface Snapshot {
  /** Counts up from 1 on each node; a gateway never goes back to a lower one. */
  readonly version: number
  /** Where the configuration came from, such as a file's name. */
  readonly source: string
  /** Wall clock, ISO 8601 in UTC. */
  readonly createdAt: string
  readonly config: Config
}

/** A snapshot that does not have the shape of one: `message` names each part that is wrong. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

const snapshotSchema: z.ZodType<Snapshot> = z.strictObject({
  version: z.int().min(1),
  source: z.string(),
  createdAt: z.iso.datetime(),
  config: plainConfigSchema,
})

/** The next snapshot. `previous` is the version in force, 0 when there is none; `wallMs` milliseconds since 1970. */
export function createSnapshot(config: Config, source: string, previous: number, wallMs: number): Snapshot {
  return { version: previous + 1, source, createdAt: new Date(wallMs).toISOString(), config }
}

/**
 * Checks a snapshot that was read back from a file. Keys that a newer Budao gave a default are filled in. Throws
 * SnapshotError with every problem and its path.
 */
export function parseSnapshot(input: unknown): Snapshot {
  const parsed = snapshotSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${formatPath(issue.path)}: ${issue.message}`)
  throw new SnapshotError(`not a snapshot: ${problems.join('; ')}`)
}
