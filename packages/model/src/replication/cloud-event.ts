import type { ChangeEvent, Json, Row } from './change-event.ts'
import { hlcMs } from './hlc.ts'

/** A change as CloudEvents 1.0 write it in JSON (structured mode). */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  /** `/sites/` and the origin. */
  readonly source: string
  /** `budao.change.` and the operation. */
  readonly type: string
  /** Table and key. */
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  /** Attributes of ours: text and 32-bit numbers only, as the specification wants them. */
  readonly budaotable: string
  readonly budaokey: string
  readonly budaoepoch: string
  readonly budaohlc: string
  readonly budaoseq: string
  readonly budaotxid: string
  readonly budaoschema: string
  readonly budaohash: string
  /** `payload`, `before`, and the fields that this version does not know. */
  readonly data: { readonly payload: Row | null; readonly before?: Row | null } & {
    readonly [name: string]: Json
  }
}

const sourcePrefix = '/sites/'
const typePrefix = 'budao.change.'

/** The event as a CloudEvent; nothing of it is lost. */
export function toCloudEvent(event: ChangeEvent): CloudEvent {
  const {
    id,
    op,
    payload,
    v: _,
    origin,
    epoch,
    hlc,
    seq,
    key,
    table,
    schemaVersion,
    txId,
    hash,
    ...rest
  } = event
  return {
    specversion: '1.0',
    id,
    source: sourcePrefix + origin,
    type: typePrefix + op,
    subject: `${table}/${key}`,
    time: new Date(hlcMs(hlc)).toISOString(),
    datacontenttype: 'application/json',
    budaotable: table,
    budaokey: key,
    budaoepoch: String(epoch),
    budaohlc: hlc,
    budaoseq: String(seq),
    budaotxid: txId,
    budaoschema: String(schemaVersion),
    budaohash: hash,
    data: { payload, ...rest } as CloudEvent['data'],
  }
}

/** The event in a CloudEvent that `toCloudEvent` wrote; to be checked like any other. Null: it is of another kind. */
export function fromCloudEvent(cloud: CloudEvent): ChangeEvent | null {
  if (!cloud.source.startsWith(sourcePrefix) || !cloud.type.startsWith(typePrefix)) return null
  const { payload, ...rest } = cloud.data
  return {
    ...rest,
    id: cloud.id,
    op: cloud.type.slice(typePrefix.length) as ChangeEvent['op'],
    payload,
    v: 1,
    origin: cloud.source.slice(sourcePrefix.length),
    epoch: Number(cloud.budaoepoch),
    hlc: cloud.budaohlc,
    seq: Number(cloud.budaoseq),
    key: cloud.budaokey,
    table: cloud.budaotable,
    schemaVersion: Number(cloud.budaoschema),
    txId: cloud.budaotxid,
    hash: cloud.budaohash,
  }
}
