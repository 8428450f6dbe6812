import { Producer } from '@platformatic/kafka'
import { type BrokerAccess, brokerClientAccess, type KafkaSinkConfig } from '@budao/model'
import { ByteText } from '../../record/byte-text.ts'
import { allTaken, type LogSink } from '../log-sink.ts'

/** A topic: one message a record. The producer is idempotent and waits for all replicas. */
export function kafkaSink(
  { brokers, topic }: Pick<KafkaSinkConfig, 'brokers' | 'topic'>,
  access: BrokerAccess,
): LogSink {
  const producer = new Producer({
    clientId: 'budao-logs',
    bootstrapBrokers: [...brokers],
    connectTimeout: 2_000,
    timeout: 5_000,
    requestTimeout: 10_000,
    idempotent: true,
    acks: -1,
    retries: 2,
    retryDelay: 100,
    ...brokerClientAccess(access, brokers),
  })
  const document = new ByteText()
  return {
    async send(records) {
      const messages = records.map((record) => {
        document.clear()
        record.addEcs(document)
        return { topic, value: Buffer.from(document.bytes) }
      })
      await producer.send({ messages })
      return allTaken
    },
    close: async () => void (await producer.close(true)),
  }
}
