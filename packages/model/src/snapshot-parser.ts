import { z } from 'zod'
import { plainConfigSchema } from './config-schema.ts'
import { formatPath } from './problem.ts'
import type { Snapshot } from './snapshot.ts'

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
