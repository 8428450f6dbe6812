import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** What a robot took. */
export interface RobotMessage {
  readonly path: string
  readonly body: any
  readonly at: number
}

/** Chat robots on one local server, with the limits, signatures and error bodies that the real ones have. */
export interface RobotServer {
  readonly url: string
  readonly taken: RobotMessage[]
  /** How often each was asked. */
  readonly asked: Map<string, number>
  /** The next answers of a path, before its own rules: status, body, headers. */
  readonly script: Map<string, { status: number; body?: string; headers?: Record<string, string> }[]>
}

export const robotSecret = 'SEC-of-a-robot'

type Answer = { status: number; body: unknown; headers?: Record<string, string> }

/** `/slack`, `/wecom`, `/dingtalk` and `/feishu`; `limit` messages a minute, as the real limit is where it is left out. */
export async function robotServer(t: TestContext, limit = 20): Promise<RobotServer> {
  const server = createServer()
  const robot: { -readonly [K in keyof RobotServer]: RobotServer[K] } = {
    url: '',
    taken: [],
    asked: new Map(),
    script: new Map(),
  }
  const answer = (path: string, query: URLSearchParams, raw: string): Answer => {
    const scripted = robot.script.get(path)?.shift()
    if (scripted !== undefined) return { body: scripted.body ?? '', ...scripted }
    const body = JSON.parse(raw)
    const recent = robot.taken.filter((each) => each.path === path && Date.now() - each.at < 60_000)
    const full = recent.length >= limit
    const take = (): void => void robot.taken.push({ path, body, at: Date.now() })
    switch (path) {
      case '/slack':
        if (full) return { status: 429, body: 'rate_limited', headers: { 'retry-after': '30' } }
        if (typeof body.text !== 'string' || body.text === '') return { status: 400, body: 'no_text' }
        take()
        return { status: 200, body: 'ok' }
      case '/wecom':
        if (full) return { status: 200, body: { errcode: 45009, errmsg: 'api freq out of limit' } }
        if (Buffer.byteLength(body.markdown.content) > 4_096)
          return { status: 200, body: { errcode: 40058, errmsg: 'markdown.content exceed max length 4096' } }
        take()
        return { status: 200, body: { errcode: 0, errmsg: 'ok' } }
      case '/dingtalk': {
        const timestamp = query.get('timestamp') ?? ''
        const wanted = createHmac('sha256', robotSecret)
          .update(`${timestamp}\n${robotSecret}`)
          .digest('base64')
        if (query.get('sign') !== wanted || Math.abs(Date.now() - Number(timestamp)) > 3_600_000)
          return { status: 200, body: { errcode: 310000, errmsg: 'sign not match' } }
        if (Buffer.byteLength(raw) > 20_000)
          return { status: 200, body: { errcode: 460101, errmsg: 'message too long' } }
        if (full) return { status: 200, body: { errcode: 130101, errmsg: 'send too fast' } }
        take()
        return { status: 200, body: { errcode: 0, errmsg: 'ok' } }
      }
      default: {
        const wanted = createHmac('sha256', `${body.timestamp}\n${robotSecret}`).update('').digest('base64')
        if (body.sign !== wanted || Math.abs(Date.now() / 1_000 - Number(body.timestamp)) > 3_600)
          return {
            status: 200,
            body: { code: 19021, msg: 'sign match fail or timestamp is not within one hour' },
          }
        if (Buffer.byteLength(raw) > 20_480) return { status: 200, body: { code: 9499, msg: 'too large' } }
        if (full) return { status: 200, body: { code: 11232, msg: 'frequency limited' } }
        take()
        return { status: 200, body: { code: 0, msg: 'success', data: {} } }
      }
    }
  }
  server.on('request', (request: IncomingMessage, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://robot')
    robot.asked.set(pathname, (robot.asked.get(pathname) ?? 0) + 1)
    void text(request).then((raw) => {
      const { status, body, headers } = answer(pathname, searchParams, raw)
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  robot.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return robot
}
