import type { Consumer } from '@platformatic/kafka'
import {
  type LogBounds,
  type LogEntry,
  type LogPosition,
  type LogReader,
  LogTruncatedError,
  truncation,
} from '@budao/model'
import { readTransaction } from '../../log/entry-text.ts'
import { type KafkaConnection, missesMax, newConsumer, noLog, topicBounds } from './kafka-client.ts'

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

interface KafkaReaderOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly from: LogPosition
  readonly bytesMax: number
  readonly onClose: () => void
}

/** A broker answers so late at the end of the log, milliseconds: what arrives meanwhile it sends at once. */
const waitMsMax = 1000
const retryMsMax = 1000
/** Batches that hold the broker's own marks instead of records. */
const controlBit = 0x20

/** Follows one partition by an offset of its own, on connections of its own: a fetch that waits holds up nobody else. */
export class KafkaReader implements LogReader {
  readonly #options: KafkaReaderOptions
  readonly #consumer: Consumer
  #offset: number
  /** Whether the log is known to be the one that was asked for, and to hold the offset. */
  #checked = false
  #misses = 0
  /** The next batch, while this one is worked on. */
  #ahead: Promise<readonly LogEntry[] | null> | null = null
  #closed = false
  readonly #closing = Promise.withResolvers<null>()

  constructor(options: KafkaReaderOptions) {
    this.#options = options
    this.#offset = options.from.offset
    this.#consumer = newConsumer(options.connection)
    this.#consumer.topics.track(options.topic)
  }

  async next(): Promise<readonly LogEntry[] | null> {
    if (this.#closed) return null
    const taken = await Promise.race([this.#ahead ?? this.#take(), this.#closing.promise])
    if (this.#closed || taken === null) return null
    this.#ahead = this.#take()
    this.#ahead.catch(() => {})
    return taken
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#closing.resolve(null)
    this.#options.onClose()
    void this.#consumer.close(true).catch(() => {})
  }

  /** Fetches until there is something. */
  async #take(): Promise<readonly LogEntry[] | null> {
    let waitMs = 50
    while (!this.#closed) {
      try {
        if (!this.#checked) await this.#check()
        const entries = this.#read(await this.#fetch())
        if (entries.length > 0) return entries
        waitMs = 50
      } catch (error) {
        if (this.#closed) return null
        if (error instanceof LogTruncatedError) throw error
        // Away, elsewhere, or not what it was: the next look at the bounds tells.
        this.#checked = false
        this.#consumer.clearMetadata()
        await Promise.race([new Promise((resolve) => setTimeout(resolve, waitMs)), this.#closing.promise])
        waitMs = Math.min(waitMs * 2, retryMsMax)
      }
    }
    return null
  }

  /** Throws where entries between the offset and the end are not, or no longer, in this log. */
  async #check(): Promise<void> {
    const { topic, from } = this.#options
    const found: LogBounds = await topicBounds(this.#consumer, topic, from.partition)
    const wanted: LogPosition = { ...from, offset: this.#offset }
    if (found === noLog && ++this.#misses < missesMax) throw new Error(`there is no topic ${topic} yet`)
    if (truncation(wanted, found) !== null) throw new LogTruncatedError(wanted, found)
    this.#misses = 0
    this.#checked = true
  }

  async #fetch(): Promise<FetchResponse> {
    const { topic, from, bytesMax } = this.#options
    const { topics } = await this.#consumer.metadata({ topics: [topic] })
    const found = topics.get(topic)
    if (found === undefined || found.id !== from.logId) throw new Error(`topic ${topic} is not what it was`)
    return await this.#consumer.fetch({
      node: found.partitions[from.partition]!.leader,
      maxWaitTime: waitMsMax,
      minBytes: 1,
      maxBytes: bytesMax,
      isolationLevel: 0,
      topics: [
        {
          topicId: from.logId,
          partitions: [
            {
              partition: from.partition,
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(this.#offset),
              lastFetchedEpoch: -1,
              partitionMaxBytes: bytesMax,
            },
          ],
        },
      ],
    })
  }

  #read(response: FetchResponse): LogEntry[] {
    const entries: LogEntry[] = []
    for (const { partitions } of response.responses) {
      for (const { errorCode, records } of partitions) {
        if (errorCode !== 0) throw new Error(`the broker answered a fetch with error ${errorCode}`)
        for (const { firstOffset, lastOffsetDelta, attributes, records: batch } of records ?? []) {
          if ((attributes & controlBit) === 0) {
            for (const { offsetDelta, value } of batch) {
              const offset = Number(firstOffset) + offsetDelta
              // A batch comes whole, also to who asked for something in the middle of it.
              if (offset >= this.#offset) entries.push(readTransaction(offset, value?.toString('utf8') ?? ''))
            }
          }
          this.#offset = Math.max(this.#offset, Number(firstOffset) + lastOffsetDelta + 1)
        }
      }
    }
    return entries
  }
}
