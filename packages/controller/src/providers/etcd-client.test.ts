import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { EtcdClient } from './etcd-client.ts'
import { EtcdCoordination } from './etcd-coordination.ts'

/** What a member does with a question: the body of its answer, an error’s status, or nothing. */
type Answers = (path: string, body: string) => string | number | null

/** A member that answers as it is told. */
class Member {
  readonly questions: string[] = []
  connections = 0
  readonly #server: Server
  answers: Answers

  constructor(t: TestContext, answers: Answers) {
    this.answers = answers
    this.#server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (part: string) => (body += part))
      request.on('end', () => {
        this.questions.push(body)
        const answer = this.answers(request.url!, body)
        if (typeof answer === 'number') response.writeHead(answer).end('{"message":"no leader"}')
        else if (answer !== null) response.end(answer)
      })
    })
    this.#server.on('connection', () => this.connections++)
    t.after(() => {
      this.#server.closeAllConnections()
      this.#server.close()
    })
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }
}

async function membersOf(
  t: TestContext,
  ...answers: Answers[]
): Promise<{ members: Member[]; endpoints: string[] }> {
  const members = answers.map((each) => new Member(t, each))
  return { members, endpoints: await Promise.all(members.map((member) => member.open())) }
}

const silent: Answers = () => null
const well: Answers = () => '{"ok":1}'

test('beside a member that is silent the next one is asked, and first from then on, over one connection', async (t) => {
  const { members, endpoints } = await membersOf(t, silent, well)
  const client = new EtcdClient({ endpoints, timeoutMs: 3_000 })
  t.after(() => client.close())
  assert.deepEqual(await client.ask('/', {}), { answer: { ok: 1 }, times: 2 })
  for (let n = 0; n < 5; n++) assert.deepEqual(await client.ask('/', {}), { answer: { ok: 1 }, times: 1 })
  assert.deepEqual(
    members.map(({ questions }) => questions.length),
    [1, 6],
  )
  assert.equal(members[1]!.connections, 1)
})

test('a member that refuses is passed over at once; when all do, the last one’s reason is told', async (t) => {
  const { members, endpoints } = await membersOf(t, () => 503, well)
  const client = new EtcdClient({ endpoints, timeoutMs: 600_000 })
  t.after(() => client.close())
  assert.equal((await client.ask('/', {})).times, 2)
  members[1]!.answers = () => 500
  await assert.rejects(client.ask('/', {}), /no leader/)
})

test('when nobody answers in time that is said, with the member', async (t) => {
  const { endpoints } = await membersOf(t, silent)
  const client = new EtcdClient({ endpoints, timeoutMs: 100 })
  t.after(() => client.close())
  await assert.rejects(client.ask('/', {}), {
    message: `etcd at ${endpoints[0]}: no answer within 100 ms`,
  })
})

test('a question that went lost with a leader of etcd is asked once more', async (t) => {
  let asked = 0
  const { members, endpoints } = await membersOf(t, () => (++asked === 1 ? null : '{"ok":1}'), silent)
  const client = new EtcdClient({ endpoints, timeoutMs: 2_000 })
  t.after(() => client.close())
  assert.equal((await client.ask('/', {})).times, 3)
  assert.deepEqual(
    members.map(({ questions }) => questions.length),
    [2, 1],
  )
})

test('a change that the first member made without answering is found made by the next one', async (t) => {
  let stored: string | undefined
  const txn: Answers = (_path, body) => {
    const { success } = JSON.parse(body) as { success: { request_put: { value: string } }[] }
    const { value } = success[0]!.request_put
    if (stored === undefined) {
      stored = value
      return null
    }
    const kvs = [{ key: '', value: stored, mod_revision: '7' }]
    return JSON.stringify({ header: { revision: '7' }, responses: [{ response_range: { kvs } }] })
  }
  const { endpoints } = await membersOf(t, txn, txn)
  const store = new EtcdCoordination({ endpoints, timeoutMs: 3_000 })
  t.after(() => store.close())
  assert.deepEqual(await store.compareAndSet('lease/shop', 0, 'ours'), {
    ok: true,
    current: { version: 7, value: 'ours' },
  })
  assert.equal((await store.compareAndSet('lease/shop', 0, 'theirs')).ok, false)
  // Asked once and refused is refused, whoever has stored the same.
  assert.equal((await store.compareAndSet('lease/shop', 0, 'ours')).ok, false)
})
