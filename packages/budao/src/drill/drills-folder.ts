import { join, resolve } from 'node:path'
import type { Config } from '@budao/model'

/** Where journal, reports and schedule of drills are: `drills` in `dataDir`, or the folder that a person names. */
export function drillsFolder(config: Pick<Config, 'dataDir'>, baseDir: string, out?: string): string {
  return out === undefined ? join(resolve(baseDir, config.dataDir), 'drills') : resolve(out)
}
