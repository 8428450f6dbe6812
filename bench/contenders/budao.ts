import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayConfig, gatewayLaunch, mainFile, writeConfig } from '../budao.ts'
import type { Form } from '../budao.ts'
import { commit, packageVersion } from '../machine.ts'
import type { Contender } from './contender.ts'

/** Ours, one worker, with all that Reach counts in: health checks, breaker, outlier detection, metrics, admin API. */
export function budao(form: Form): Contender {
  return {
    name: 'budao',
    async find() {
      const main = mainFile(form)
      if (!existsSync(main))
        return { kind: 'missing', reason: `there is no ${main}: run npm run build first` }
      const version = [packageVersion('budao'), commit(), `(${form})`].filter((part) => part !== '').join(' ')
      return { kind: 'found', program: process.execPath, version }
    },
    prepare({ folder, port, adminPort, backends, profileFolder }) {
      const file = join(folder, 'budao.yaml')
      const endpoints = backends.map((address) => ({ address, site: 'east' }))
      writeConfig(file, gatewayConfig({ port, adminPort, endpoints }))
      const flags = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
      return { ...gatewayLaunch(file, form, flags), otherPorts: [adminPort] }
    },
  }
}
