import type { DataConfig } from '@budao/model'
import { AskedData, GuardedData } from './asked-data.ts'
import { askCommand } from './ask-command.ts'
import { askHook } from './ask-hook.ts'
import { sharedData, unknownData, type SiteData } from './site-data.ts'

/** Who says how far the data of a service is, as the configuration names them. Relative programs start in `baseDir`. */
export function openSiteData(config: DataConfig | undefined, baseDir: string): SiteData {
  if (config === undefined) return unknownData
  if ('shared' in config) return sharedData
  if ('replicator' in config) return new GuardedData(askHook(`${config.replicator}/v1/data`, config.token))
  if ('hook' in config) return new AskedData(askHook(config.hook))
  return new AskedData(askCommand(config.command, baseDir))
}
