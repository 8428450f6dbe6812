import { z } from 'zod'
import { choice, exactlyOne, file, integer, matching } from '../config-scalars.ts'
import type { ReplicationDatabaseConfig } from './replication-database.ts'

const urlPattern =
  /^mysql:\/\/[^\s/@:]+(?::[^\s/@]*)?@(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\/[\w$-]{1,64}$/

/** The schema of `replication.database`. */
export const replicationDatabaseSchema: z.ZodType<ReplicationDatabaseConfig> =
  exactlyOne<ReplicationDatabaseConfig>({
    sqlite: z
      .strictObject({ path: file.describe('The file, relative to this one.') })
      .describe('A SQLite file.'),
    mariadb: z
      .strictObject({
        url: matching(urlPattern, 'a URL such as mysql://user:password@127.0.0.1:3306/shop').describe(
          '`mysql://user:password@host:3306/database`.',
        ),
        capture: choice(['binlog', 'outbox'])
          .default('binlog')
          .describe(
            'How this site’s writes are found: `binlog`: the application writes as it likes, and each row has one owner; `outbox`: it writes through the outbox, and any rule goes.',
          ),
        domainId: z
          .exactOptional(integer(1, 4_294_967_295))
          .describe('GTID domain of what the replicator writes. Absent: the server’s own plus 1000.'),
        ca: z
          .exactOptional(file)
          .describe('Certificate authority, PEM; with it connections are encrypted. Absent: they are not.'),
      })
      .describe('A MariaDB server with a row binlog; see [MariaDB](replication-mariadb.md).'),
  })
