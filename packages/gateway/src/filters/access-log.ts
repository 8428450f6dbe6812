import { resolve } from 'node:path'
import type { AccessLogConfig } from '@budao/model'
import { AccessLog } from '../logs/access-log.ts'
import type { ExchangeRecord, Filter, FilterEnv, FilterRequest } from './filter.ts'
import { logFormat, type LogFormat } from './log-format.ts'

/** Rejects when the file cannot be opened, or the template names what there is not. */
export async function createAccessLogFilter(config: AccessLogConfig, env: FilterEnv): Promise<Filter> {
  const format = logFormat(config, env)
  const log = await AccessLog.open(config.path === undefined ? null : resolve(env.baseDir, config.path), {
    now: () => env.now(),
    wallNow: () => env.wallNow(),
    warn: (message) => env.warn(`filter accessLog of route ${env.route}: ${message}`),
  })
  return new AccessLogFilter(env, log, format)
}

/** One line for each exchange, written when it has ended, whatever its end was. */
class AccessLogFilter implements Filter {
  readonly name = 'accessLog'
  readonly #env: FilterEnv
  readonly #log: AccessLog
  readonly #format: LogFormat

  constructor(env: FilterEnv, log: AccessLog, format: LogFormat) {
    this.#env = env
    this.#log = log
    this.#format = format
  }

  onEnd(request: FilterRequest, record: ExchangeRecord): void {
    this.#log.write(this.#format(request, record, this.#env.wallNow()))
  }

  async close(): Promise<void> {
    await this.#log.close()
  }
}
