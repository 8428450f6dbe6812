import { type Hlc, hlcZero, SourceGapError } from '@budao/model'

/** Where a source stands behind a transaction, and what it goes on from there with. */
export interface BinlogPosition {
  /** The last transaction of each GTID domain: `1-1-100,1001-2-50`. */
  readonly gtids: string
  /** The last stamp that was given. */
  readonly hlc: Hlc
  /** The epoch in which the site wrote at that point of its binlog. */
  readonly epoch: number
}

/** As it is handed to whoever carries the changes, and kept. */
export function writePosition({ gtids, hlc, epoch }: BinlogPosition): string {
  return `${gtids} ${hlc} ${epoch}`
}

/** What {@link writePosition} wrote. */
export function readPosition(text: string): BinlogPosition {
  const [gtids = '', hlc = hlcZero, epoch = '1'] = text.split(' ')
  return { gtids, hlc, epoch: Number(epoch) }
}

/** The server no longer has what stands behind a position, or has another history. `found`: what it says. */
export function binlogGap(site: string, position: string, found: string): SourceGapError {
  return new SourceGapError(
    `expected the binlog of site ${site} behind ${readPosition(position).gtids}, but the server has it no longer, or another ` +
      `one: ${found}. Changes are missing that nobody has read. Here: budao replicator accept-gap; then fill each other site ` +
      `from this one: budao replicator bootstrap --from ${site}`,
  )
}
