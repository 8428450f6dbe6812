import type { ToldAlert } from './alert-group.ts'
import { identityOf, type LabelSet } from './labels.ts'

/** What the engine says of itself goes on for so long after it was said last. */
const lastsMs = 300_000

/** Alerts about the engine: no rule can see what keeps rules from being judged. */
export class OwnAlerts {
  readonly #tell: (alert: ToldAlert) => void
  readonly #all = new Map<string, { readonly alert: ToldAlert; until: number }>()

  constructor(tell: (alert: ToldAlert) => void) {
    this.#tell = tell
  }

  raise(name: string, extra: LabelSet, summary: string, value: number, now: number): void {
    const labels = { ...extra, alertname: name, severity: 'P1' }
    const id = identityOf(labels)
    const known = this.#all.get(id)
    const alert: ToldAlert = known?.alert ?? {
      id,
      labels,
      annotations: { summary },
      status: 'firing',
      value,
      recoveredValue: null,
      startsAt: now,
      endsAt: null,
    }
    this.#all.set(id, { alert, until: now + lastsMs })
    if (known === undefined) this.#tell(alert)
  }

  /** Ends what has not been said for a while. */
  end(now: number): void {
    for (const [id, { alert, until }] of this.#all) {
      if (until > now) continue
      this.#all.delete(id)
      this.#tell({ ...alert, status: 'resolved', endsAt: now })
    }
  }
}
