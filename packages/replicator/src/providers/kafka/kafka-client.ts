import { type BaseOptions, Consumer, UserError } from '@platformatic/kafka'
import { type BrokerAccess, brokerClientAccess, type LogBounds } from '@budao/model'

/** How brokers are reached. */
export interface KafkaConnection extends BrokerAccess {
  /** `host:port`, some of the cluster. */
  readonly brokers: readonly string[]
  /** Named to the brokers. Default `budao`. */
  readonly clientId?: string
}

/** A broker that has just started may not know its topics: only this many answers in a row make a topic gone. */
export const missesMax = 3

/** No topic of that name is there. */
export const noLog: LogBounds = { logId: 'none', first: 0, end: 0 }

/** What every client of ours is made with. */
export function clientOptions(connection: KafkaConnection): BaseOptions {
  const { brokers, clientId = 'budao' } = connection
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: 2000,
    timeout: 5000,
    requestTimeout: 10_000,
    retries: 0,
    ...brokerClientAccess(connection, connection.brokers),
  }
}

/** A client that asks and reads without being in a group: the watermark is in the database of who applies. */
export function newConsumer(connection: KafkaConnection): Consumer {
  return new Consumer({
    ...clientOptions(connection),
    groupId: 'budao',
    autocommit: false,
    isolationLevel: 0,
  })
}

/** Where a partition begins and ends; `noLog` when there is no such topic. A topic that is made again has another id. */
export async function topicBounds(consumer: Consumer, topic: string, partition: number): Promise<LogBounds> {
  const before = await topicId(consumer, topic)
  if (before === null) return noLog
  const ask = async (timestamp: bigint): Promise<number> => {
    const offsets = await consumer.listOffsets({
      topics: [topic],
      partitions: { [topic]: [partition] },
      timestamp,
      isolationLevel: 0,
    })
    return Number(offsets.get(topic)![partition])
  }
  const [first, end] = [await ask(-2n), await ask(-1n)]
  return { logId: before, first, end }
}

async function topicId(consumer: Consumer, topic: string): Promise<string | null> {
  try {
    const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true })
    return topics.get(topic)?.id ?? null
  } catch (error) {
    if (error instanceof UserError && error.message.startsWith('Unknown topic')) return null
    throw error
  }
}
