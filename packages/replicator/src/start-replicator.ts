import { resolve } from 'node:path'
import { type Config, type BrokerAccess, parseAddress } from '@budao/model'
import { DataDesk } from './authority/data-desk.ts'
import { HttpFront } from './http/http-front.ts'
import type { Alarm } from './loop/alarms.ts'
import { openDatabase } from './providers/open-database.ts'
import { openLogs } from './providers/open-log.ts'
import { replicationRoutes } from './replication-routes.ts'
import { Replicator } from './replicator.ts'
import { Resync } from './snapshot/resync.ts'
import { resyncRoutes } from './snapshot/resync-routes.ts'
import { SnapshotRoutes } from './snapshot/snapshot-routes.ts'
import { replicatedTables } from './table-rules.ts'

/** What a replicator is started with. */
export interface StartOptions {
  readonly config: Pick<Config, 'node' | 'dataDir' | 'replication'>
  /** The folder of the configuration file. */
  readonly baseDir: string
  /** With a log at brokers, how they are spoken to. */
  readonly brokerAccess?: BrokerAccess
  /** Something began that a person should know, or ended. */
  readonly onAlarm: (alarm: Alarm, isOn: boolean) => void
}

/** A replicator that runs. */
export interface RunningReplicator {
  readonly replicator: Replicator
  /** Answers whoever keeps this site’s leases. */
  readonly desk: DataDesk
  readonly site: string
  readonly address: string
  /** Removes from the log what is older than is kept; done now and then anyway. */
  cleanLog(): Promise<void>
  close(): Promise<void>
}

const cleanEveryMs = 60_000
const weekMs = 7 * 86_400_000

/** Starts the replicator of this site: opens its database and logs, listens, and lets changes flow. */
export async function startReplicator({
  config,
  baseDir,
  brokerAccess = {},
  onAlarm,
}: StartOptions): Promise<RunningReplicator> {
  const { node, replication } = config
  if (replication === undefined) throw new Error('the configuration has no `replication`')
  const { site } = node
  const { sites, token, tables, onPeerLoss, peerTimeout, listen } = replication
  const shapes = await replicatedTables(replication, baseDir)
  const database = await openDatabase(replication, site, shapes, baseDir)
  const logs = await openLogs(replication, site, resolve(baseDir, config.dataDir), brokerAccess).catch(
    async (error: unknown) => {
      await database.close()
      throw error
    },
  )
  const peers = Object.entries(logs.peers).map(([other, peer]) => ({
    site: other,
    url: sites[other]!.url,
    ...peer,
    ...(token !== undefined && { token }),
  }))
  const replicator = new Replicator({
    site,
    database,
    log: logs.own,
    peers,
    resyncing: (await database.snapshots.progress()) !== null,
    onPeerLoss,
    peerTimeoutMs: peerTimeout,
    onReleased: logs.release,
    onAlarm,
    isNamed: (other) => desk.isNamed(other),
    keepMs: 'embedded' in replication.log ? replication.log.embedded.keep : weekMs,
    ...(logs.percent !== null && { logPercent: logs.percent }),
  })
  const used = Object.values(tables)
  const desk = new DataDesk({
    site,
    replicator,
    database,
    isSync: (service) =>
      used.some((table) => table.service === service) &&
      used.every((table) => table.service !== service || table.durability === 'sync'),
    unfit: () => resync.unfit(),
    putRight: (owner) => resync.putRight(owner),
    isWhole: (unit, service) => unit === service && used.every((table) => table.service === service),
  })
  const names = Object.keys(tables)
  const resync = new Resync({ site, database, log: logs.own, replicator, peers, tables: names })
  const snapshots = new SnapshotRoutes({
    replicator,
    database,
    log: logs.own,
    peers: logs.peers,
    tables: names,
  })
  await resync.goOn()
  const cleaning = setInterval(() => void logs.clean(), cleanEveryMs)
  const end = async (): Promise<void> => {
    clearInterval(cleaning)
    await resync.close()
    await snapshots.close()
    await replicator.close()
    await logs.close()
    await database.close()
  }
  const { host, port } = parseAddress(listen)!
  const handlers = {
    ...logs.handlers,
    ...snapshots.handlers,
    ...resyncRoutes(resync),
    ...replicationRoutes({
      replicator,
      database,
      desk,
      resync,
      durabilityOf: (table) => tables[table]?.durability ?? 'async',
    }),
  }
  const front = await HttpFront.listen({ host, port, handlers, ...(token !== undefined && { token }) }).catch(
    async (error: unknown) => {
      await end()
      throw error
    },
  )
  return {
    replicator,
    desk,
    site,
    address: `${host.includes(':') ? `[${host}]` : host}:${front.port}`,
    cleanLog: () => logs.clean(),
    close: async () => {
      await front.close()
      await end()
    },
  }
}
