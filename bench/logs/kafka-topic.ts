import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Consumer } from '@platformatic/kafka'
import type { LogSinkConfig } from '@budao/model'
import { type Repeats, repeatsOf } from './repeats.ts'
import type { TrialSink } from './trial-sink.ts'

/** A topic of a real broker, read from its beginning while a process that is killed again and again writes to it. */
export class KafkaTopic implements TrialSink {
  readonly config: LogSinkConfig
  readonly #consumer: Consumer
  readonly #messages: string[] = []
  #before = 0

  static async open(broker: string, topic: string, batch: number): Promise<KafkaTopic> {
    const admin = new Admin({ clientId: 'trial', bootstrapBrokers: [broker] })
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
    await admin.close()
    const made = new KafkaTopic(broker, topic, batch)
    const stream = await made.#consumer.consume({ topics: [topic], mode: 'earliest' })
    stream.on('data', ({ value }: { readonly value: Buffer }) => {
      made.#messages.push((JSON.parse(value.toString()) as { readonly message: string }).message)
    })
    return made
  }

  private constructor(broker: string, topic: string, batch: number) {
    this.config = { kafka: { brokers: [broker], topic }, batch, timeout: 5_000 }
    this.#consumer = new Consumer({ clientId: 'trial', groupId: topic, bootstrapBrokers: [broker] })
  }

  nextLife(): void {
    this.#before = this.#messages.length
  }

  async asked(): Promise<void> {
    for (let waited = 0; this.#messages.length === this.#before && waited < 3_000; waited += 2) await sleep(2)
  }

  repeats(): Repeats {
    return repeatsOf(this.#messages)
  }

  async close(): Promise<void> {
    await this.#consumer.close(true)
  }
}
