import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayConfig, gatewayLaunch, writeConfig } from '../budao.ts'
import { commit, packageVersion } from '../machine.ts'
import type { Contender } from './contender.ts'

/** Ours, one worker, with all that Reach counts in: health checks, breaker, outlier detection, metrics, admin API. */
export const budao: Contender = {
  name: 'budao',
  async find() {
    if (!existsSync(new URL('../../packages/budao/src/verbs/gateway.ts', import.meta.url))) {
      return { kind: 'missing', reason: 'this tree has no `budao gateway`' }
    }
    const version = [packageVersion('budao'), commit()].filter((part) => part !== '').join(' ')
    return { kind: 'found', program: process.execPath, version }
  },
  prepare({ folder, port, adminPort, backends, profileFolder }) {
    const file = join(folder, 'budao.yaml')
    const endpoints = backends.map((address) => ({ address, site: 'east' }))
    writeConfig(file, gatewayConfig({ port, adminPort, endpoints }))
    return gatewayLaunch(
      file,
      profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    )
  },
}
