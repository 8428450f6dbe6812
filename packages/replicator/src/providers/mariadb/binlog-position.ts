import { type Hlc, hlcZero } from '@budao/model'

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
