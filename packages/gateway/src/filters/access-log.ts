import { resolve } from 'node:path'
import type { AccessLogConfig } from '@budao/model'
import { AccessLog } from '../access-log.ts'
import { jsonBytes, jsonString } from '../json-text.ts'
import type { ExchangeRecord, PartRecord, Filter, FilterEnv, FilterRequest } from './filter.ts'

/** Rejects when the file cannot be opened. */
export async function createAccessLogFilter(config: AccessLogConfig, env: FilterEnv): Promise<Filter> {
  const log = await AccessLog.open(config.path === undefined ? null : resolve(env.baseDir, config.path), {
    now: () => env.now(),
    wallNow: () => env.wallNow(),
    warn: (message) => env.warn(`filter accessLog of route ${env.route}: ${message}`),
  })
  return new AccessLogFilter(env, log)
}

/** One JSON line for each exchange, written when it has ended, whatever its end was. */
class AccessLogFilter implements Filter {
  readonly name = 'accessLog'
  readonly #env: FilterEnv
  readonly #log: AccessLog
  readonly #constant: string
  #second = Number.NaN
  #secondText = ''

  constructor(env: FilterEnv, log: AccessLog) {
    this.#env = env
    this.#log = log
    this.#constant = `,"budao.route":${jsonString(env.route)},"budao.node":${jsonString(env.node)}`
  }

  onEnd(request: FilterRequest, record: ExchangeRecord): void {
    const agent = request.header('user-agent')
    this.#log.write(
      `{"timestamp":"${this.#timestamp()}"` +
        `,"http.request.method":${jsonBytes(request.method)}` +
        `,"url.scheme":"${request.scheme}"` +
        `,"server.address":${jsonBytes(request.host)}` +
        `,"url.path":${jsonBytes(request.path)}` +
        (request.query === '' ? '' : `,"url.query":${jsonBytes(request.query)}`) +
        `,"http.response.status_code":${finite(record.status)}` +
        `,"http.server.request.duration_ms":${rounded(record.durationMs)}` +
        `,"http.request.size":${finite(record.requestBytes)}` +
        `,"http.response.size":${finite(record.responseBytes)}` +
        `,"client.address":${jsonBytes(request.clientIp)}` +
        (agent === undefined ? '' : `,"user_agent.original":${jsonBytes(agent)}`) +
        `,"budao.request_id":${jsonBytes(request.requestId)}` +
        this.#constant +
        `,"budao.endpoint":${jsonString(record.endpoint)}` +
        `,"budao.site":${jsonString(record.site)}` +
        `,"budao.attempts":${finite(record.attempts)}` +
        `,"budao.answered_by":${jsonString(record.answeredBy)}` +
        (record.reason === '' ? '' : `,"budao.reason":${jsonString(record.reason)}`) +
        (record.marks.length === 0 ? '' : `,"budao.marks":[${record.marks.map(jsonString).join(',')}]`) +
        (record.parts === undefined ? '' : `,"budao.parts":{${record.parts.map(partText).join(',')}}`) +
        '}\n',
    )
  }

  async close(): Promise<void> {
    await this.#log.close()
  }

  /** ISO 8601 in UTC. All but the milliseconds is the same for a second, and dear to make. */
  #timestamp(): string {
    const now = Math.floor(this.#env.wallNow())
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = new Date(second * 1000).toISOString().slice(0, -4)
    }
    return `${this.#secondText}${String(now - second * 1000).padStart(3, '0')}Z`
  }
}

function partText({ name, status, reason, durationMs, endpoint, attempts }: PartRecord): string {
  return (
    `${jsonString(name)}:{"status":${finite(status)},"duration_ms":${rounded(durationMs)}` +
    `,"endpoint":${jsonString(endpoint)},"attempts":${finite(attempts)}` +
    (reason === '' ? '}' : `,"reason":${jsonString(reason)}}`)
  )
}

/** JSON has no NaN. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** To microseconds. */
function rounded(ms: number): number {
  return finite(Math.round(ms * 1000) / 1000)
}
