import type { DataConfig } from '@budao/model'
import { AskedData } from './asked-data.ts'
import { askCommand } from './ask-command.ts'
import { askHook } from './ask-hook.ts'
import { sharedData, unknownData, type SiteData } from './site-data.ts'

/** Who says how far the data of a service is, as the configuration names them. Relative programs start in `baseDir`. */
export function openSiteData(config: DataConfig | undefined, baseDir: string): SiteData {
  if (config === undefined) return unknownData
  if ('shared' in config) return sharedData
  if ('hook' in config) return new AskedData(askHook(config.hook))
  return new AskedData(askCommand(config.command, baseDir))
}
