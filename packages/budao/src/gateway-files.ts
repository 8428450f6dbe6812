import { resolve } from 'node:path'
import type { Config } from '@budao/model'

/** What a gateway keeps in `dataDir`, by the options that name it. */
export interface GatewayFiles {
  readonly directoryFile: string
  readonly keysFolder: string
  readonly keyFile: string
  /** Only with `control`. */
  readonly placementFile?: string
  readonly acmeFolder: string
}

/** Where a gateway keeps what is to outlive it. */
export function gatewayFiles({ dataDir, control }: Config, baseDir: string): GatewayFiles {
  const inData = (name: string): string => resolve(baseDir, dataDir, name)
  return {
    directoryFile: inData('endpoints.json'),
    keysFolder: inData('keys'),
    keyFile: inData('idempotency.db'),
    ...(control === undefined ? {} : { placementFile: inData('placements.json') }),
    acmeFolder: inData('acme'),
  }
}
