import type { CoordinationStore, Versioned } from '@budao/model'

/** An alert as one controller tells it to the others: plain JSON. */
export interface SeenAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly receivers: readonly string[]
  readonly status: 'firing' | 'resolved'
  readonly value: number | null
  readonly recoveredValue: number | null
  /** Since it began, and since it ended, milliseconds: clocks of machines are not compared. */
  readonly firingMs: number
  readonly endedMs: number | null
}

interface NodeRecord {
  readonly beat: number
  readonly alerts: readonly SeenAlert[]
}

export interface NodeAlertsOptions {
  readonly store: CoordinationStore
  readonly node: string
  readonly now: () => number
  /** What this node sees now. */
  own(): readonly SeenAlert[]
  /** What another node sees; empty: nothing any more, or it has been silent for too long. */
  others(node: string, alerts: readonly SeenAlert[]): void
  failed(error: Error): void
}

const prefix = 'alerts/seen/'
/** Changes are gathered for so long. */
const gatherMs = 100
/** As long as something fires the node says so as often as this, with the newest values. */
const beatMs = 15_000
/** What a silent node has said holds for so long. */
const goodForMs = 60_000
const tickMs = 1_000
/** A record of the store is no larger: etcd takes 1.5 MB. */
const recordBytesMax = 512 * 1024

/** What each controller sees, for the one that tells: a rule over logs or metrics of one site is judged only there. */
export class NodeAlerts {
  readonly #options: NodeAlertsOptions
  readonly #others = new Map<string, { alerts: readonly SeenAlert[]; seenAt: number }>()
  readonly #watching: { close(): void }
  readonly #timer: NodeJS.Timeout
  #told: readonly SeenAlert[] = []
  #toldAt = -Infinity
  #gathering: NodeJS.Timeout | undefined
  #writing = false
  #dirty = false
  #closed = false

  constructor(options: NodeAlertsOptions) {
    this.#options = options
    this.#watching = options.store.watch(prefix, (key, record) =>
      this.#seen(key.slice(prefix.length), record as Versioned<NodeRecord>),
    )
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
    // What this node said before it was started anew is over.
    this.changed()
  }

  /** Something began or ended here. */
  changed(): void {
    this.#dirty = true
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined
      void this.#write()
    }, gatherMs).unref()
  }

  /** What the others have said last. */
  get others(): Map<string, readonly SeenAlert[]> {
    return new Map([...this.#others].map(([node, { alerts }]) => [node, alerts]))
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    this.#watching.close()
  }

  #tick(): void {
    const now = this.#options.now()
    if (this.#dirty || (this.#told.length > 0 && now - this.#toldAt >= beatMs)) this.changed()
    for (const [node, { alerts, seenAt }] of this.#others) {
      if (alerts.length === 0 || now - seenAt < goodForMs) continue
      this.#others.set(node, { alerts: [], seenAt })
      this.#options.others(node, [])
    }
  }

  #seen(node: string, { value: { alerts } }: Versioned<NodeRecord>): void {
    if (this.#closed || node === this.#options.node) return
    this.#others.set(node, { alerts, seenAt: this.#options.now() })
    this.#options.others(node, alerts)
  }

  async #write(): Promise<void> {
    if (this.#writing || this.#closed) return
    this.#writing = true
    this.#dirty = false
    const { store, node, now, own, failed } = this.#options
    try {
      const alerts = fitting(own())
      const found = await store.get(prefix + node)
      const { beat = 0 } = (found?.value ?? {}) as Partial<NodeRecord>
      if (alerts.length > 0 || this.#told.length > 0 || beat > 0) {
        const record: NodeRecord = { beat: beat + 1, alerts }
        const { ok } = await store.compareAndSet(prefix + node, found?.version ?? 0, record)
        if (!ok) throw new Error(`another process writes as ${node} too`)
      }
      this.#told = alerts
      this.#toldAt = now()
    } catch (error) {
      this.#dirty = true
      if (!this.#closed) failed(error as Error)
    } finally {
      this.#writing = false
    }
  }
}

/** As many as fit into one record, those that fire first. */
function fitting(alerts: readonly SeenAlert[]): readonly SeenAlert[] {
  const fits: SeenAlert[] = []
  let bytes = 0
  for (const alert of alerts.toSorted((a, b) => (a.status < b.status ? -1 : a.status > b.status ? 1 : 0))) {
    bytes += Buffer.byteLength(JSON.stringify(alert))
    if (bytes > recordBytesMax) break
    fits.push(alert)
  }
  return fits
}
