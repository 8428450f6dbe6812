import type { Form } from '../budao.ts'
import { budao } from './budao.ts'
import { caddy } from './caddy.ts'
import type { Contender } from './contender.ts'
import { direct } from './direct.ts'
import { envoy } from './envoy.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { nodeProxy } from './node-proxy.ts'

/** In the order of the tables. */
export function contenders(form: Form): readonly Contender[] {
  return [
    budao(form),
    nginx,
    haproxy,
    envoy,
    caddy,
    nodeProxy('@fastify/http-proxy', 'fastify-http-proxy.ts'),
    nodeProxy('http-proxy-3', 'http-proxy-3.ts'),
    nodeProxy('httpxy', 'httpxy.ts'),
    direct,
  ]
}
