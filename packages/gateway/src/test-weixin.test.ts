import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/**
 * good   answers as documented: a code `code-USER-…` is good once
 * code   answers with `errcode`
 * hang   reads the request and says nothing
 * reset  reads the request and breaks the connection
 * error  status 502
 * html   a page of somebody in between
 * empty  an object that says nothing
 */
export type WeixinMood = 'good' | 'code' | 'hang' | 'reset' | 'error' | 'html' | 'empty'

/** Plays the server side of WeChat: `auth.code2Session` and `stable_token`, with their documented answers. */
export interface TestWeixin {
  readonly url: string
  mood: WeixinMood
  errcode: number
  /** How often each code was asked about. */
  readonly codes: Map<string, number>
  /** Bodies of requests for the access token. */
  readonly tokenRequests: Record<string, unknown>[]
  token: string
  expiresIn: number
  /** Anything it was asked for that a server would not understand. */
  readonly wrong: string[]
}

export const appId = 'wx0123456789abcdef'
export const appSecret = 'the-app-secret-0123456789abcdef'

export async function testWeixin(
  t: TestContext,
  tls?: { readonly cert: string; readonly key: string },
): Promise<TestWeixin> {
  const made: TestWeixin = {
    url: '',
    mood: 'good',
    errcode: 0,
    codes: new Map(),
    tokenRequests: [],
    token: 'access-token-1',
    expiresIn: 7_200,
    wrong: [],
  }
  const server =
    tls === undefined
      ? createHttp((request, response) => void answer(made, request, response))
      : createHttps(tls, (request, response) => void answer(made, request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  return Object.assign(made, { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` })
}

async function answer(made: TestWeixin, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const part of request) body += String(part)
  const url = new URL(request.url!, made.url)
  const reply = replyTo(made, request.method!, url, body)
  switch (made.mood) {
    case 'good':
      return void response.setHeader('content-type', 'text/plain').end(JSON.stringify(reply))
    case 'code':
      return void response.end(JSON.stringify({ errcode: made.errcode, errmsg: `quotes ${appSecret}` }))
    case 'hang':
      return
    case 'reset':
      return void request.socket.destroy()
    case 'error':
      return void response.writeHead(502).end(`quotes ${appSecret}`)
    case 'html':
      return void response.end('<html>log in to this Wi-Fi</html>')
    case 'empty':
      return void response.end('{}')
  }
}

function replyTo(made: TestWeixin, method: string, { pathname, searchParams }: URL, body: string): object {
  if (method === 'GET' && pathname === '/sns/jscode2session') {
    const code = searchParams.get('js_code') ?? ''
    const times = (made.codes.get(code) ?? 0) + 1
    made.codes.set(code, times)
    const good =
      searchParams.get('appid') === appId &&
      searchParams.get('secret') === appSecret &&
      searchParams.get('grant_type') === 'authorization_code'
    if (!good) return { errcode: 40_125, errmsg: 'invalid appsecret' }
    const user = /^code-([a-z]+)/.exec(code)?.[1]
    if (user === undefined) return { errcode: 40_029, errmsg: 'invalid code' }
    if (times > 1) return { errcode: 40_163, errmsg: 'code been used' }
    return { openid: `openid-of-${user}`, session_key: 'the-session-key', unionid: `unionid-of-${user}` }
  }
  if (method === 'POST' && pathname === '/cgi-bin/stable_token') {
    const asked = JSON.parse(body) as Record<string, unknown>
    made.tokenRequests.push(asked)
    if (asked['appid'] === appId && asked['secret'] === appSecret)
      return { access_token: made.token, expires_in: made.expiresIn }
    return { errcode: 40_125, errmsg: 'invalid appsecret' }
  }
  made.wrong.push(`${method} ${pathname}`)
  return { errcode: 40_066, errmsg: 'invalid url' }
}
