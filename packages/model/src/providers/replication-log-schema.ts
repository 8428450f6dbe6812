import { z } from 'zod'
import { address, type DurationSchema, exactlyOne, integer, matching, name, size } from '../config-scalars.ts'
import { brokerAccessShape } from './broker-access-schema.ts'
import type { ReplicationLogConfig } from './replication-log.ts'

/** The schema of `replication.log`. */
export function replicationLogSchema(duration: DurationSchema): z.ZodType<ReplicationLogConfig> {
  return exactlyOne<ReplicationLogConfig>({
    embedded: z
      .strictObject({
        bytesMax: size('1MiB', '1024GiB')
          .prefault('4GiB')
          .describe('Most it may take on the disk; an alarm is at 80 %, and beyond it writes wait.'),
        segmentBytes: size('64KiB', '1GiB').prefault('64MiB').describe('A file of it is closed beyond this.'),
        keep: duration.or('7d').describe('Entries older than this are removed, read or not.'),
      })
      .describe('Files in `dataDir`, served to the peers.'),
    kafka: z
      .strictObject({
        brokers: z
          .record(name, z.array(address({ portMin: 1 })).min(1, { error: 'at least one broker' }), {
            error: 'sites with their brokers',
          })
          .describe('By site: some of the brokers of its cluster, as `host:port`.'),
        topic: matching(/^[\w.-]{1,200}$/, 'the name of a topic')
          .default('budao-changes')
          .describe('Followed by a hyphen and the site.'),
        partitions: integer(1, 1000)
          .default(1)
          .describe('Of topics that are made. With more than one, transactions are whole in each only.'),
        ...brokerAccessShape,
      })
      .describe('A topic for each site, on its own brokers.'),
  })
}
