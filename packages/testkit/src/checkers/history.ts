/** One line of a history, as Jepsen writes it: others' checkers can read it too. */
export interface HistoryOp {
  /** From 0, one more with each line. */
  readonly index: number
  /** Nanoseconds since the start. */
  readonly time: number
  /** Who does it: one thing at a time. */
  readonly process: number
  /** invoke: begun. ok: done. fail: surely not done. info: nobody knows. */
  readonly type: 'invoke' | 'ok' | 'fail' | 'info'
  /** What: `add`, `read`, `write`, `transfer`. */
  readonly f: string
  readonly value: unknown
}

/** Collects what happens. */
export class History {
  readonly ops: HistoryOp[] = []

  add(timeMs: number, process: number, type: HistoryOp['type'], f: string, value: unknown): void {
    this.ops.push({ index: this.ops.length, time: Math.round(timeMs * 1e6), process, type, f, value })
  }

  /** A line for each, as `elle-cli` and Jepsen's own tools take it. */
  toJson(): string {
    return this.ops.map((op) => JSON.stringify(op)).join('\n')
  }
}

/** A thing that was begun, and what came of it. */
export interface Pair {
  readonly process: number
  readonly f: string
  readonly begun: HistoryOp
  /** Null: nobody knows. */
  readonly ended: HistoryOp | null
  readonly type: 'ok' | 'fail' | 'info'
}

/** What was begun with what came of it. */
export function pairs(ops: readonly HistoryOp[]): Pair[] {
  const open = new Map<number, HistoryOp>()
  const found: Pair[] = []
  for (const op of ops) {
    if (op.type === 'invoke') {
      open.set(op.process, op)
      continue
    }
    const begun = open.get(op.process)
    if (begun === undefined) continue
    open.delete(op.process)
    found.push({ process: op.process, f: op.f, begun, ended: op.type === 'info' ? null : op, type: op.type })
  }
  for (const begun of open.values()) {
    found.push({ process: begun.process, f: begun.f, begun, ended: null, type: 'info' })
  }
  return found
}
