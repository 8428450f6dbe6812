import { resolve } from 'node:path'
import type { EventLog, BrokerAccess, ReplicationConfig } from '@budao/model'
import type { Handlers } from '../http/http-front.ts'
import { logRoutes } from '../log/log-routes.ts'
import { RemoteLog } from '../log/remote-log.ts'
import { SegmentLog } from '../log/segment-log.ts'

/** The logs of all sites as one site uses them. */
export interface OpenedLogs {
  /** This site's. */
  readonly own: EventLog
  /** The other sites', to be read. */
  readonly peers: Readonly<Record<string, PeerLog>>
  /** What the peers ask of this site for its log. */
  readonly handlers: Handlers
  /** How full this site's log is, percent; null: it has no limit of ours. */
  readonly percent: (() => number) | null
  /** All peers have applied what is below. */
  readonly release: (offset: number) => void
  /** Removes what is older than is kept. */
  readonly clean: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A log of another site. */
export interface PeerLog {
  readonly log: Pick<EventLog, 'bounds' | 'read'>
  readonly partitions: number
}

/** Opens the logs that the configuration names; only the kind that is asked for is loaded. */
export async function openLogs(
  { log, sites, token }: ReplicationConfig,
  site: string,
  dataDir: string,
  brokerAccess: BrokerAccess,
): Promise<OpenedLogs> {
  const others = Object.keys(sites).filter((each) => each !== site)
  if ('kafka' in log) {
    const { openTopics } = await import('./kafka/kafka-topics.ts')
    return openTopics(log.kafka, site, others, brokerAccess)
  }
  const { bytesMax, segmentBytes, keep } = log.embedded
  const own = await SegmentLog.open({
    folder: resolve(dataDir, 'replication-log'),
    bytesMax,
    segmentBytes,
    keepMs: keep,
  })
  const peers = others.map((other): [string, PeerLog] => {
    const remote = new RemoteLog({ url: sites[other]!.url, ...(token !== undefined && { token }) })
    return [other, { log: remote, partitions: 1 }]
  })
  return {
    own,
    peers: Object.fromEntries(peers),
    handlers: logRoutes(own),
    percent: () => (own.bytes / bytesMax) * 100,
    release: (offset) => own.release(offset),
    clean: () => own.clean(),
    close: () => own.close(),
  }
}
