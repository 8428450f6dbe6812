import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Question } from './scenarios.ts'
import type { Stage } from './stage.ts'

export interface WrkOptions {
  readonly scheme: 'http' | 'https'
  readonly port: number
  readonly question: Question
  readonly headers: Readonly<Record<string, string>>
  /** A function `request`, in Lua, that makes each request another one; it costs the load some CPU. */
  readonly lua?: string
  /** Kept alive, each with one request at a time. */
  readonly connections: number
  readonly seconds: number
  readonly core: number
}

/** One run of a load. */
export interface LoadResult {
  /** Answered completely. */
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly errors: LoadErrors
}

export interface LoadErrors {
  readonly connect: number
  readonly read: number
  readonly write: number
  /** No answer within five seconds. */
  readonly timeout: number
  /** Answers with a status above 399. */
  readonly status: number
}

/** Runs at the end only: a script without `request` and `response` costs wrk nothing while it loads. */
const report = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"max":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.connect, e.read, e.write, e.timeout, e.status))
end
`

/** Loads one port of 127.0.0.1 from one thread. Rejects when wrk fails or does not end in time. */
export async function runWrk(stage: Stage, program: string, options: WrkOptions): Promise<LoadResult> {
  const script = join(stage.folder, 'wrk-report.lua')
  const { connections, seconds, scheme, port, question, headers, core } = options
  writeFileSync(script, requestOf(question, headers) + (options.lua ?? '') + report)
  const url = `${scheme}://127.0.0.1:${port}${question.path}`
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '--latency', '-s', script, url]
  const wrk = stage.start('wrk', program, args, { core })
  const match = await wrk.waitForOutput(/^RESULT (.*)$/m, seconds * 1_000 + 20_000)
  await wrk.exited()
  const seen: Record<string, number> = JSON.parse(match[1]!)
  const micros = (key: string): number => seen[key]! / 1_000
  return {
    requests: seen['requests']!,
    seconds: seen['micros']! / 1e6,
    p50Ms: micros('p50'),
    p99Ms: micros('p99'),
    maxMs: micros('max'),
    errors: {
      connect: seen['connect']!,
      read: seen['read']!,
      write: seen['write']!,
      timeout: seen['timeout']!,
      status: seen['status']!,
    },
  }
}

/** Set before the load begins: wrk then builds the one request that all its connections send. */
function requestOf({ method, bodyBytes }: Question, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers['${name}'] = '${value}'\n`)
  const body = bodyBytes === 0 ? '' : `wrk.body = string.rep('x', ${bodyBytes})\n`
  return `wrk.method = '${method}'\n${body}${lines.join('')}`
}
