import { z } from 'zod'
import type { ReplicationConfig } from './config-replication.ts'
import {
  address,
  choice,
  type DurationSchema,
  file,
  integer,
  matching,
  name,
  secret,
  text,
} from './config-scalars.ts'
import { replicationDatabaseSchema } from './providers/replication-database-schema.ts'
import { replicationLogSchema } from './providers/replication-log-schema.ts'
import { mergeRuleNames } from './replication/merge-rule.ts'

export function replicationSchema(duration: DurationSchema): z.ZodType<ReplicationConfig> {
  return z.strictObject({
    listen: address({ portMin: 0 })
      .default('127.0.0.1:9910')
      .describe('Where this site’s replicator listens: peers, applications and people ask it.'),
    token: z
      .exactOptional(secret)
      .describe('What everybody has to show who asks. Needed where `listen` is not loopback.'),
    sites: z
      .record(
        name,
        z.strictObject({
          url: matching(/^https?:\/\/[^\s/]+$/, 'an address such as http://10.0.1.5:9910').describe(
            'Where the other sites reach it.',
          ),
        }),
        { error: 'sites with their replicators' },
      )
      .describe('The replicator of each site, this one included.'),
    database: replicationDatabaseSchema.describe('The database of this site.'),
    log: replicationLogSchema(duration)
      .prefault({ embedded: {} })
      .describe('Where changes wait for the other sites.'),
    peerTimeout: duration.or('2s').describe('How long a peer may take to acknowledge a `sync` write.'),
    onPeerLoss: choice(['block', 'degrade'])
      .default('block')
      .describe('When it does not: `sync` writes are not acknowledged; or they are, announced, without it.'),
    outbox: integer(1, 1_000_000_000)
      .default(1_000_000)
      .describe('Most events that wait for the log; beyond it writes are refused.'),
    tables: z
      .record(name, tableSchema, { error: 'tables with their settings' })
      .refine((tables) => Object.keys(tables).length > 0, { error: 'at least one table' })
      .meta({ minProperties: 1 })
      .describe('What travels, by name. A table that the database does not have is made, for documents.'),
  })
}

const tableSchema = z.strictObject({
  service: z.exactOptional(name).describe('The service that writes it. Absent: none in particular.'),
  rule: choice(mergeRuleNames)
    .default('owner')
    .describe(
      'How changes of one row by two sites become one. See [replication](../concepts/replication.md).',
    ),
  owner: z
    .exactOptional(
      z.strictObject({
        column: z.exactOptional(text('the name of a column')).describe('Absent: the row’s key.'),
        sites: z
          .array(name, { error: 'a list of sites' })
          .min(1, { error: 'at least one site' })
          .describe('Whole numbers modulo their count, texts by hash.'),
      }),
    )
    .describe('With `owner`: which site owns a row.'),
  columns: z
    .exactOptional(
      z.record(text('the name of a column'), choice(['counter', 'set', 'max', 'min']), {
        error: 'columns with how they merge',
      }),
    )
    .describe('With `crdt`: how columns merge; others by the later stamp.'),
  module: z
    .exactOptional(file)
    .describe('With `callback`: a module that exports `merge(earlier, later)`, relative to this file.'),
  durability: choice(['async', 'sync'])
    .default('async')
    .describe('A write is acknowledged once it is durable here, or once the peers have it.'),
  schemaVersion: integer(1, 1_000_000)
    .default(1)
    .describe('Of its shape at this site; events of a higher one pause the table.'),
})
