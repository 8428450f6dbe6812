import { Admin, alterUserScramCredentialsV0, Connection } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { after, test, type TestContext } from 'node:test'
import { type BrokerSaslConfig, LogTruncatedError } from '@budao/model'
import { startKafka, takeEvents, TestCa, testEvent, testEventLog } from '@budao/testkit'
import { KafkaLog } from './kafka-log.ts'

// One broker for the file: each start costs seconds. Tests run one after the other, each with a topic of its own.
const started = new Map<'kafka', ReturnType<typeof startKafka>>()
const atEnd: (() => unknown)[] = []
after(async () => {
  for (const work of atEnd.toReversed()) await work()
})
function broker(t: TestContext): ReturnType<typeof startKafka> {
  const kafka =
    started.get('kafka') ??
    startKafka(
      {
        after: (work: () => unknown) => atEnd.push(work),
        skip: (reason?: string) => t.skip(reason),
      } as unknown as TestContext,
      {},
      null,
      { user: 'budao', password: 'by plain' },
    )
  started.set('kafka', kafka)
  return kafka
}

let topics = 0

testEventLog({
  name: 'kafka',
  partitions: [1, 4],
  open: async (t, partitions) => {
    const server = await broker(t)
    if (server === undefined) return undefined
    const topic = `log-${++topics}`
    const open = (): Promise<KafkaLog> => KafkaLog.open({ brokers: [server.address], topic, partitions })
    const log = await open()
    const peer = await open()
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [server.address] })
    const opened = [log, peer]
    t.after(async () => {
      for (const each of opened) await each.close()
      await admin.close()
    })
    return {
      log,
      peer,
      takeAway: async () => {
        // It keeps its connections and says nothing; the test below kills it.
        server.process.child.kill('SIGSTOP')
        return async () => void server.process.child.kill('SIGCONT')
      },
      removeOld: async () => {
        for (let n = 0; n < 20; n++) await log.append([[testEvent(n)]], 'durable')
        await admin.deleteRecords({
          topics: [{ name: topic, partitions: [{ partition: 0, offset: 10n }] }],
        })
      },
      loseAll: async () => {
        await admin.deleteTopics({ topics: [topic] })
        opened.push(await open())
      },
      reopen: async () => {
        await log.close()
        const again = await open()
        opened.push(again)
        return again
      },
    }
  },
})

test('kafka: over TLS, by each mechanism; another password and another authority are refused', async (t) => {
  const server = await broker(t)
  if (server === undefined) return
  await addScramUser(server.address, 'budao', 'by scram')
  const { address, ca } = server.guarded!
  const open = (
    mechanism: BrokerSaslConfig['mechanism'],
    password: string,
    authority = ca,
  ): Promise<KafkaLog> =>
    KafkaLog.open({
      brokers: [address],
      topic: 'guarded',
      tls: { ca: authority },
      sasl: { mechanism, user: 'budao', password },
    })
  for (const [mechanism, password] of [
    ['plain', 'by plain'],
    ['scram-sha-256', 'by scram'],
    ['scram-sha-512', 'by scram'],
  ] as const) {
    const log = await open(mechanism, password)
    const [position] = await log.append([[testEvent(1)]], 'durable')
    const reader = log.read(position!)
    assert.equal((await takeEvents(reader, 1)).length, 1)
    reader.close()
    await log.close()
    await assert.rejects(open(mechanism, 'another'), /authentication/i)
  }
  await assert.rejects(open('plain', 'by plain', new TestCa().cert), /certificate|signature/i)
})

/** Through the broker’s admin API, as an operator’s tool does it. */
async function addScramUser(address: string, name: string, password: string): Promise<void> {
  const [host, port] = address.split(':')
  const connection = new Connection('test', { connectTimeout: 5_000 })
  await connection.connect(host!, Number(port))
  for (const [mechanism, digest, bytes] of [
    [1, 'sha256', 32],
    [2, 'sha512', 64],
  ] as const) {
    const salt = randomBytes(16)
    const saltedPassword = pbkdf2Sync(password, salt, 4096, bytes, digest)
    const wanted = { name, mechanism, iterations: 4096, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [wanted])
  }
  await connection.close()
}

test(
  'kafka: broker away, back, and back but empty: nothing is lost unsaid',
  { timeout: 60_000 },
  async (t) => {
    const server = await broker(t)
    if (server === undefined) return
    const options = { brokers: [server.address], topic: 'outage', pendingBytesMax: 20_000 }
    const log = await KafkaLog.open(options)
    t.after(() => log.close())
    const { logId } = await log.bounds(0)
    const reader = log.read({ logId, partition: 0, offset: 0 })
    t.after(() => reader.close())
    await log.append([[testEvent(0)]], 'durable')

    await server.process.kill()
    // Memory is bounded: what is beyond it waits outside.
    const calls = Array.from({ length: 200 }, (_, n) => log.append([[testEvent(n + 1)]], 'durable'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(log.pendingBytes > 0)
    assert.ok(log.pendingBytes < 22_000, `${log.pendingBytes} bytes wait`)
    await server.restart()
    await Promise.all(calls)
    const entries = await takeEvents(reader, 201)
    // At least once: an entry may be there twice where the broker died with its answer, never in another order.
    const seqs = entries.flatMap(({ events }) => events.map(({ seq }) => seq))
    assert.deepEqual(
      [...new Set(seqs)],
      Array.from({ length: 201 }, (_, n) => n),
    )

    await server.process.kill()
    await server.restartEmpty()
    await assert.rejects(reader.next(), (error) => {
      assert.ok(error instanceof LogTruncatedError)
      assert.match(error.message, /another log; resync from a snapshot/)
      return true
    })
    await assert.rejects(log.append([[testEvent(900)]], 'durable'), LogTruncatedError)
  },
)
