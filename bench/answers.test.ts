import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { wrongAnswers } from './answers.ts'
import { missingJson } from './nginx-backends.ts'
import { productJson } from './product.ts'

const large = Buffer.alloc(100_000, 0x61)

/** What a proxy may get wrong, and the checks that must see it. */
const faults: [fault: string, found: string[]][] = [
  ['none', []],
  ['one byte of the body differs', ['GET']],
  ['the type is another', ['GET']],
  ['every connection is closed', ['keep-alive']],
  ['HEAD loses the length', ['HEAD']],
  ['404 becomes 502', ['404']],
  ['a large body is cut', ['large body']],
  ['only one backend is used', ['both backends']],
  ['the request body is dropped', ['POST', 'POST, chunked']],
]

for (const [fault, found] of faults) {
  test(`answers, ${fault}: ${found.join(' and ') || 'nothing'} found wrong`, async (t) => {
    let turn = 0
    const server = createServer((request, response) => {
      response.setHeader('X-Backend', fault === 'only one backend is used' ? 'a' : 'ab'[turn++ % 2]!)
      if (fault === 'every connection is closed') response.setHeader('Connection', 'close')
      void answer(fault, request, response)
    }).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const door = { scheme: 'http', port: address.port, headers: {} } as const
    const problems = await wrongAnswers(door, { large }, true)
    assert.deepEqual(
      problems.map((problem) => problem.slice(0, problem.indexOf(':'))),
      found,
    )
  })
}

async function answer(fault: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, type: string, body: string | Buffer): void => {
    const length =
      fault === 'HEAD loses the length' && request.method === 'HEAD' ? {} : { 'Content-Length': body.length }
    response.writeHead(status, { 'Content-Type': type, ...length }).end(body)
  }
  switch (request.url) {
    case '/missing':
      return send(fault === '404 becomes 502' ? 502 : 404, 'application/json', missingJson)
    case '/large':
      return send(
        200,
        'application/octet-stream',
        fault === 'a large body is cut' ? large.subarray(1) : large,
      )
    case '/echo': {
      const body = Buffer.concat(await request.toArray())
      return send(200, 'application/json', fault === 'the request body is dropped' ? '' : body)
    }
    default: {
      const wrong = fault === 'one byte of the body differs' && request.method === 'GET'
      const type =
        fault === 'the type is another' && request.method === 'GET' ? 'text/plain' : 'application/json'
      return send(200, type, wrong ? productJson.replace('4', '5') : productJson)
    }
  }
}
