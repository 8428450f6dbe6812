import type { CoordinationStore } from '@budao/model'
import type { Acknowledgement } from '../alerts/acknowledgements.ts'
import type { SharedAlerts, SharedListener, ToldRecord } from '../alerts/engine-options.ts'
import type { Silence } from '../alerts/silence.ts'
import { NodeAlerts } from './node-alerts.ts'
import { NotifierDuty } from './notifier-duty.ts'
import { SlotRecords } from './slot-records.ts'

export interface StoredAlertsOptions {
  readonly store: CoordinationStore
  readonly node: string
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly wallNow: () => number
  warn(message: string): void
}

const dayMs = 86_400_000
/** So long after its end a silence is shown. */
const silenceKeptMs = 5 * dayMs
/** An alert that fires that long without anybody looking again may be told anew. */
const acknowledgedKeptMs = 30 * dayMs

/**
 * What controllers know together, in the store of leases: who tells people, what was told, what each sees, silences and acknowledgements.
 * Without the store everything goes on with what is known, and what people do meanwhile is shared when it is back.
 */
export class StoredAlerts implements SharedAlerts {
  readonly #options: StoredAlertsOptions
  readonly #duty: NotifierDuty
  readonly #told: SlotRecords<ToldRecord>
  readonly #silences: SlotRecords<Silence>
  readonly #acknowledged: SlotRecords<Acknowledgement>
  readonly #nodes: NodeAlerts
  readonly #failing = new Set<string>()
  #listener: SharedListener | null = null

  constructor(options: StoredAlertsOptions) {
    this.#options = options
    const { store, node, now, wallNow } = options
    const records = <T>(
      name: string,
      slots: number,
      isOver: (value: T) => boolean,
      changed: (name: string, value: T | undefined) => void,
    ): SlotRecords<T> =>
      new SlotRecords<T>({
        store,
        prefix: `alerts/${name}/`,
        slots,
        isOver,
        changed,
        failed: (error) => this.#failed(name, error),
      })
    this.#told = records<ToldRecord>(
      'told',
      256,
      ({ at, firing }) => firing.length === 0 && wallNow() - at > dayMs,
      () => {},
    )
    this.#silences = records<Silence>(
      'silences',
      16,
      ({ endsAt }) => wallNow() - endsAt > silenceKeptMs,
      (_id, silence) => silence !== undefined && this.#listener?.silenced(silence),
    )
    this.#acknowledged = records<Acknowledgement>(
      'acknowledged',
      64,
      ({ at }) => wallNow() - at > acknowledgedKeptMs,
      (id, acknowledgement) => this.#listener?.acknowledged(id, acknowledgement ?? null),
    )
    this.#duty = new NotifierDuty({ store, node, now })
    this.#nodes = new NodeAlerts({
      store,
      node,
      now,
      own: () => this.#listener?.own() ?? [],
      others: (other, alerts) => this.#listener?.others(other, alerts),
      failed: (error) => this.#failed('seen', error),
    })
  }

  get node(): string {
    return this.#options.node
  }

  notifies(): boolean | null {
    return this.#duty.holds()
  }

  get notifier(): string | null {
    return this.#duty.holder
  }

  follow(listener: SharedListener): void {
    this.#listener = listener
    for (const silence of this.#silences.all().values()) listener.silenced(silence)
    for (const [id, acknowledgement] of this.#acknowledged.all()) listener.acknowledged(id, acknowledgement)
    for (const [node, alerts] of this.#nodes.others) listener.others(node, alerts)
    this.#nodes.changed()
  }

  told(): ReadonlyMap<string, ToldRecord> {
    return this.#told.all()
  }

  publish(groupKey: string, told: ToldRecord): void {
    this.#told.put(groupKey, told)
  }

  silence(silence: Silence): void {
    this.#silences.put(silence.id, silence)
  }

  acknowledge(id: string, acknowledgement: Acknowledgement | null): void {
    if (acknowledgement !== null || this.#acknowledged.all().has(id))
      this.#acknowledged.put(id, acknowledgement)
  }

  changed(): void {
    this.#nodes.changed()
  }

  async close(): Promise<void> {
    this.#listener = null
    for (const each of [this.#told, this.#silences, this.#acknowledged, this.#nodes]) each.close()
    await this.#duty.close()
  }

  /** Once for each thing that cannot be stored, until it was for a while. */
  #failed(what: string, error: Error): void {
    if (this.#failing.has(what)) return
    this.#failing.add(what)
    setTimeout(() => this.#failing.delete(what), 60_000).unref()
    this.#options.warn(`alerts: other controllers do not know of what is new (${what}): ${error.message}`)
  }
}
