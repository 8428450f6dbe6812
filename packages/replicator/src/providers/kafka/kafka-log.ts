import { Admin, type Consumer, findErrorBy, type MessageToProduce, Producer } from '@platformatic/kafka'
import {
  type AckLevel,
  type EventLog,
  type LogBounds,
  type LogPosition,
  type LogReader,
  LogTruncatedError,
  partitionOf,
  type ReadOptions,
  type Transaction,
} from '@budao/model'
import { writeTransaction } from '../../log/entry-text.ts'
import {
  clientOptions,
  type KafkaConnection,
  missesMax,
  newConsumer,
  noLog,
  topicBounds,
} from './kafka-client.ts'
import { kafkaProblem } from './kafka-problem.ts'
import { KafkaReader } from './kafka-reader.ts'

/** Where the log is, and how it is made where it is not there yet. */
export interface KafkaLogOptions extends KafkaConnection {
  readonly topic: string
  /** Of a topic that is made. Default 1: transactions stay whole over all their keys. */
  readonly partitions?: number
  /** Of a topic that is made. Default as many as the brokers' settings say. */
  readonly replicas?: number
  /** Entries of a topic that is made are kept so long, milliseconds. Default 7 days, as the broker's own. */
  readonly keepMs?: number
  /** So much is kept in memory while the brokers are away; beyond it `append` waits. Default 32 MiB. */
  readonly pendingBytesMax?: number
  /** After that `append` is rejected with everything behind it, milliseconds. Default 2 minutes, as the Java client's. */
  readonly deliveryMsMax?: number
}

type Message = MessageToProduce

/** What one call of `append` waits for. */
interface Pending {
  readonly messages: readonly Message[]
  readonly bytes: number
  readonly deadlineAt: number
  readonly resolve: (positions: readonly LogPosition[]) => void
  readonly reject: (error: unknown) => void
}

/** One request holds about so much: below what brokers take by default as one batch (1 MiB). */
const requestBytesMax = 900_000
/** A transaction may be larger than one event: topics that are made take this much as one batch. */
const batchBytesMax = 16 * 1024 * 1024
const retryMsMax = 1000
const openMsMax = 15_000

/**
 * The event log in a topic of Kafka, one record an entry. Written by an idempotent producer with `acks=all`, one request at
 * a time, so that whatever is repeated after an outage stays in its order. What arrives meanwhile goes with the next request.
 */
export class KafkaLog implements EventLog {
  readonly partitions: number
  readonly #options: KafkaLogOptions
  readonly #producer: Producer
  readonly #asker: Consumer
  readonly #logId: string
  readonly #ends: number[]
  readonly #readers = new Set<KafkaReader>()
  #pending: Pending[] = []
  #pendingBytes = 0
  #room: (() => void)[] = []
  #sending: Promise<void> | null = null
  #closed = false
  #misses = 0
  readonly #closing = new AbortController()

  private constructor(options: KafkaLogOptions, asker: Consumer, logId: string, ends: number[]) {
    this.#options = options
    this.#asker = asker
    this.#logId = logId
    this.#ends = ends
    this.partitions = ends.length
    this.#producer = new Producer({
      ...clientOptions(options),
      idempotent: true,
      acks: -1,
      retries: 2,
      retryDelay: 100,
    })
  }

  /** Finds the topic or makes it. Throws when the brokers cannot be asked, and says why. */
  static async open(options: KafkaLogOptions): Promise<KafkaLog> {
    try {
      return await KafkaLog.#open(options)
    } catch (cause) {
      const where = `the topic ${options.topic} at ${options.brokers.join(', ')}`
      throw new Error(`${where} cannot be opened: ${kafkaProblem(cause)}`, { cause })
    }
  }

  static async #open(options: KafkaLogOptions): Promise<KafkaLog> {
    const admin = new Admin(clientOptions(options))
    try {
      await makeTopic(admin, options)
    } finally {
      await admin.close()
    }
    const asker = newConsumer(options)
    try {
      const all = await boundsOfAll(asker, options.topic)
      return new KafkaLog(
        options,
        asker,
        all[0]!.logId,
        all.map(({ end }) => end),
      )
    } catch (error) {
      await asker.close(true)
      throw error
    }
  }

  /** Bytes that wait for the brokers. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** `accepted` waits like `durable` does: only the broker knows the offsets. */
  async append(transactions: readonly Transaction[], _ack: AckLevel): Promise<readonly LogPosition[]> {
    if (transactions.length === 0) return []
    const pendingBytesMax = this.#options.pendingBytesMax ?? 32 * 1024 * 1024
    const deadlineAt = performance.now() + (this.#options.deliveryMsMax ?? 120_000)
    while (this.#pendingBytes > pendingBytesMax && !this.#closed) {
      await new Promise<void>((resolve) => this.#room.push(resolve))
    }
    if (this.#closed) throw new Error('the event log is closed')
    const messages = transactions.flatMap((each) => this.#messagesOf(each))
    const bytes = messages.reduce((sum, { value }) => sum + value!.length, 0)
    this.#pendingBytes += bytes
    return await new Promise((resolve, reject) => {
      this.#pending.push({ messages, bytes, deadlineAt, resolve, reject })
      this.#sending ??= this.#send()
    })
  }

  async bounds(partition: number): Promise<LogBounds> {
    return await topicBounds(this.#asker, this.#options.topic, partition)
  }

  read(from: LogPosition, options?: ReadOptions): LogReader {
    const reader = new KafkaReader({
      connection: this.#options,
      topic: this.#options.topic,
      from,
      bytesMax: options?.bytesMax ?? 1024 * 1024,
      onClose: () => this.#readers.delete(reader),
    })
    this.#readers.add(reader)
    return reader
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#closing.abort()
    for (const reader of this.#readers) reader.close()
    for (const resolve of this.#room.splice(0)) resolve()
    await this.#sending
    await Promise.all([this.#producer.close(true), this.#asker.close(true)])
  }

  /** A transaction is one record in each partition that one of its keys is in. */
  #messagesOf(events: Transaction): Message[] {
    const parts = new Map<number, ChangeEvents>()
    for (const event of events) {
      const partition = partitionOf(event.table, event.key, this.partitions)
      const part = parts.get(partition)
      if (part === undefined) parts.set(partition, [event])
      else part.push(event)
    }
    return [...parts].map(([partition, part]) => ({
      topic: this.#options.topic,
      partition,
      key: Buffer.from(`${part[0]!.table}/${part[0]!.key}`),
      value: Buffer.from(writeTransaction(part)),
    }))
  }

  /** Sends what is pending, again and again until nothing is. */
  async #send(): Promise<void> {
    // The turn of whoever appended first ends before: what others append in it goes along.
    await Promise.resolve()
    while (this.#pending.length > 0) {
      const batch = this.#take()
      try {
        const positions = await this.#deliver(batch)
        for (const [index, { resolve }] of batch.entries()) resolve(positions[index]!)
        this.#forget(batch)
      } catch (error) {
        // Nobody knows whether they are stored. What came behind must not overtake them when they are given again.
        const all = [...batch, ...this.#pending.splice(0)]
        for (const { reject } of all) reject(error)
        this.#forget(all)
      }
      for (const resolve of this.#room.splice(0)) resolve()
    }
    this.#sending = null
  }

  #forget(batch: readonly Pending[]): void {
    for (const { bytes } of batch) this.#pendingBytes -= bytes
  }

  #take(): Pending[] {
    let bytes = 0
    let count = 0
    while (
      count < this.#pending.length &&
      (count === 0 || bytes + this.#pending[count]!.bytes < requestBytesMax)
    ) {
      bytes += this.#pending[count++]!.bytes
    }
    return this.#pending.splice(0, count)
  }

  /** Sends one batch until the brokers have it, its time is over, or the log closes. */
  async #deliver(batch: readonly Pending[]): Promise<(readonly LogPosition[])[]> {
    const messages = batch.flatMap((each) => each.messages)
    const deadlineAt = batch[0]!.deadlineAt
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      try {
        const { offsets } = await this.#producer.send({ messages, idempotent: true, acks: -1 })
        return this.#positions(
          batch,
          new Map(offsets!.map(({ partition, offset }) => [partition, Number(offset)])),
        )
      } catch (error) {
        if (isHopeless(error) || this.#closed || performance.now() > deadlineAt) throw error
        await this.#checkSameLog()
      }
      await pause(waitMs, this.#closing.signal)
    }
  }

  /** The last position of each partition for every caller, from the first offsets of the request. */
  #positions(batch: readonly Pending[], next: Map<number, number>): (readonly LogPosition[])[] {
    const positions = batch.map(({ messages }) => {
      const last = new Map<number, number>()
      for (const { partition } of messages) {
        const offset = next.get(partition!)!
        next.set(partition!, offset + 1)
        last.set(partition!, offset)
      }
      return [...last].map(([partition, offset]) => ({ logId: this.#logId, partition, offset }))
    })
    for (const [partition, offset] of next) this.#ends[partition] = offset
    return positions
  }

  /** A topic that was made again holds nothing of what was acknowledged: whoever has to know is told by not going on. */
  async #checkSameLog(): Promise<void> {
    let found: LogBounds
    try {
      found = await this.bounds(0)
    } catch {
      // They are away: that is what the next try is for.
      return
    }
    if (found.logId === this.#logId) {
      this.#misses = 0
      return
    }
    if (found === noLog && ++this.#misses < missesMax) return
    throw new LogTruncatedError({ logId: this.#logId, partition: 0, offset: this.#ends[0]! }, found)
  }
}

type ChangeEvents = Transaction[number][]

async function makeTopic(admin: Admin, options: KafkaLogOptions): Promise<void> {
  const { topic, partitions = 1, replicas = -1, keepMs = 7 * 86_400_000 } = options
  try {
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas,
      configs: [
        { name: 'retention.ms', value: String(keepMs) },
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'max.message.bytes', value: String(batchBytesMax) },
      ],
    })
  } catch (error) {
    if (findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS') === null) throw error
  }
}

/** Bounds of every partition. A topic that was made just now may have no leader yet: asks again for some seconds. */
async function boundsOfAll(asker: Consumer, topic: string): Promise<LogBounds[]> {
  const until = performance.now() + openMsMax
  for (;;) {
    try {
      const { topics } = await asker.metadata({ topics: [topic], forceUpdate: true })
      const { partitionsCount } = topics.get(topic)!
      return await Promise.all(
        Array.from({ length: partitionsCount }, (_, partition) => topicBounds(asker, topic, partition)),
      )
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Whether another try would be answered alike. */
function isHopeless(error: unknown): boolean {
  return ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'TOPIC_AUTHORIZATION_FAILED', 'INVALID_RECORD'].some(
    (id) => findErrorBy(error as Error, 'apiId', id) !== null,
  )
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
