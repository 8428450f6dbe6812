import type { BrokerAccess, KafkaLogConfig } from '@budao/model'
import type { OpenedLogs, PeerLog } from '../open-log.ts'
import { KafkaLog } from './kafka-log.ts'

/** A topic for each site on its own brokers; each site writes to its own and reads the others'. */
export async function openTopics(
  { brokers, topic, partitions }: Pick<KafkaLogConfig, 'brokers' | 'topic' | 'partitions'>,
  site: string,
  others: readonly string[],
  access: BrokerAccess,
): Promise<OpenedLogs> {
  const open = (of: string): Promise<KafkaLog> =>
    KafkaLog.open({ ...access, brokers: brokers[of]!, topic: `${topic}-${of}`, partitions })
  const own = await open(site)
  const opened: KafkaLog[] = [own]
  const peers: Record<string, PeerLog> = {}
  for (const other of others) {
    const log = await open(other)
    opened.push(log)
    peers[other] = { log, partitions: log.partitions }
  }
  return {
    own,
    peers,
    handlers: {},
    percent: null,
    release: () => {},
    clean: async () => {},
    close: async () => {
      for (const log of opened) await log.close()
    },
  }
}
