import { KafkaLog } from '@budao/replicator/kafka'
import { BinlogSource, MariadbApplier, type MariadbConnection } from '@budao/replicator/mariadb'

/** What the process is told, as JSON: from where to where, and by which broker. */
export interface CarrierPlan {
  readonly from: MariadbConnection
  readonly to: MariadbConnection
  readonly broker: string
  readonly topic: string
  readonly table: string
}

if (process.argv[2] !== undefined) await carry(JSON.parse(process.argv[2]) as CarrierPlan)

/** Both halves of one direction, as the replicators of two sites have them: binlog to log, log to database. */
async function carry({ from, to, broker, topic, table }: CarrierPlan): Promise<void> {
  const log = await KafkaLog.open({ brokers: [broker], topic })
  const source = await BinlogSource.open({ connection: from, site: 'east', tables: [table] })
  const applier = await MariadbApplier.open({
    connection: to,
    site: 'west',
    capture: 'binlog',
    tables: { [table]: { rule: { name: 'owner', ownerOf: () => 'east' } } },
  })
  process.stdout.write('carrying\n')
  await Promise.all([write(source, log), read(log, applier)])
}

async function write(source: BinlogSource, log: KafkaLog): Promise<void> {
  for (;;) {
    const batch = await source.next()
    if (batch === null) return
    if (batch.transactions.length > 0) await log.append(batch.transactions, 'durable')
    await source.confirm(batch.position)
  }
}

async function read(log: KafkaLog, applier: MariadbApplier): Promise<void> {
  const { logId, first } = await log.bounds(0)
  const from = (await applier.watermark('east', 0)) ?? { logId, partition: 0, offset: first }
  const reader = log.read(from)
  for (;;) {
    const entries = await reader.next()
    if (entries === null) return
    const next = { ...from, offset: entries.at(-1)!.offset + 1 }
    const { parked } = await applier.apply({ origin: 'east', entries, next })
    if (parked.length > 0) throw new Error(`parked: ${parked.join(', ')}`)
  }
}
