import type { RowVersion } from '../../merge/row-version.ts'
import { type KeyRange, type KeyRanges, placeDigest, type RangePage } from '../../snapshot/key-ranges.ts'
import { quoted } from './sqlite-rows.ts'
import type { SqliteSite } from './sqlite-site.ts'

/** A SQLite file key by key, for a comparison. */
export class SqliteRanges implements KeyRanges {
  readonly #site: SqliteSite

  constructor(site: SqliteSite) {
    this.#site = site
  }

  page(range: KeyRange, keysMax: number): RangePage {
    return range.kind === 'rows' ? this.#rows(range, keysMax) : this.#tombstones(range, keysMax)
  }

  count(table: string): number {
    return Number(this.#site.db.prepare(`SELECT count(*) AS n FROM ${quoted(table)}`).get()!['n'])
  }

  #rows({ table, after, upTo, since }: KeyRange, keysMax: number): RangePage {
    const { rows, next } = this.#site.rows.page(table, after, Infinity, upTo, keysMax)
    const digests = rows.map(([key, row]) => [key, placeDigest({ key, row, version: null }, since)] as const)
    return { digests, next }
  }

  #tombstones({ table, after, upTo, since }: KeyRange, keysMax: number): RangePage {
    const found = this.#site.db
      .prepare(
        `SELECT key, version FROM budao_rows WHERE tbl = ? AND deleted_at IS NOT NULL
         AND json_extract(version, '$.stamp.hlc') >= ? AND (? IS NULL OR key > ?) AND (? IS NULL OR key <= ?)
         ORDER BY key LIMIT ?`,
      )
      .all(table, since, after, after, upTo, upTo, keysMax + 1)
    const digests = found.slice(0, keysMax).map(({ key, version }) => {
      const kept = { key: String(key), row: null, version: JSON.parse(String(version)) as RowVersion }
      return [kept.key, placeDigest(kept, since)] as const
    })
    return { digests, next: found.length > keysMax ? digests.at(-1)![0] : null }
  }
}
