import type { Snapshot } from '@budao/model'
import { CliError } from './cli-error.ts'
import type { ConfigSource } from './config-source.ts'

/** The file's snapshot; or, when it is refused and the person said so, the one kept last. */
export async function firstSnapshot(
  source: ConfigSource,
  lastGood: boolean,
): Promise<{ readonly snapshot: Snapshot; readonly warnings: readonly string[] }> {
  const read = await source.read()
  if (read.ok) return { snapshot: await source.renumber(read.snapshot), warnings: read.warnings }
  const problems = read.problems.join('\n')
  if (!lastGood)
    throw new CliError(
      `the configuration is refused\n${problems}\nTo start with the snapshot that was in force last: --last-good`,
      1,
    )
  try {
    // The file cannot say where its data is: the default place is the only one left.
    return { snapshot: await source.lastGood({ dataDir: './data' }), warnings: read.problems }
  } catch (error) {
    throw new CliError(
      `the configuration is refused, and there is no usable snapshot\n${problems}\n${(error as Error).message}`,
      1,
      { cause: error },
    )
  }
}
