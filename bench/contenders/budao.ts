import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayConfig, gatewayLaunch, mainFile, writeConfig } from '../budao.ts'
import type { Form } from '../budao.ts'
import type { BearerToken } from '../bearer-token.ts'
import { commit, packageVersion } from '../machine.ts'
import { routePaths } from '../scenarios.ts'
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
    lacks: () => undefined,
    prepare({ folder, port, adminPort, backends, front, certificate, token, profileFolder }) {
      const file = join(folder, 'budao.yaml')
      const endpoints = backends.map((address) => ({ address, site: 'east' }))
      const { cert, key } = certificate
      writeConfig(
        file,
        gatewayConfig({
          port,
          adminPort,
          endpoints,
          paths: routePaths(front),
          ...(front.tls ? { listener: { protocol: 'https', tls: { cert, key } } } : {}),
          ...(front.filters ? { route: { filters: allFilters(token, join(folder, 'access.log')) } } : {}),
        }),
      )
      const flags = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
      return { ...gatewayLaunch(file, form, flags), otherPorts: [adminPort] }
    },
  }
}

function allFilters({ jwksFile }: BearerToken, logFile: string): object[] {
  return [
    { accessLog: { path: logFile } },
    { cors: { origins: ['https://shop.example'] } },
    { jwt: { jwks: jwksFile, issuer: 'bench' } },
    { rateLimit: { key: 'ip', requests: 1_000_000, per: '1s' } },
    {
      headers: {
        request: { set: { 'X-Tier': 'gold' } },
        response: { set: { 'X-Frame-Options': 'DENY' }, remove: ['Server'] },
      },
    },
  ]
}
