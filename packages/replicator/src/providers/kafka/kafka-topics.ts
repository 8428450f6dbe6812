import type { KafkaLogConfig } from '@budao/model'
import type { OpenedLogs, PeerLog } from '../open-log.ts'
import { KafkaLog } from './kafka-log.ts'

/** A topic for each site on its own brokers; each site writes to its own and reads the others'. */
export async function openTopics(
  { brokers, topic, partitions }: KafkaLogConfig,
  site: string,
  others: readonly string[],
): Promise<OpenedLogs> {
  const own = await KafkaLog.open({ brokers: brokers[site]!, topic: `${topic}-${site}`, partitions })
  const opened: KafkaLog[] = [own]
  const peers: Record<string, PeerLog> = {}
  for (const other of others) {
    const log = await KafkaLog.open({ brokers: brokers[other]!, topic: `${topic}-${other}`, partitions })
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
