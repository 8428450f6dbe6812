import type { Explanation, ExplanationCode, NodesReport, WatchedReport } from '@budao/model'
import type { AuditFile } from './audit-file.ts'
import type { ControlJournal } from './control-journal.ts'
import type { Controller } from './controller.ts'
import type { TimedStore } from './timed-store.ts'

/** What a desk has to do with. */
export interface DeskWorld {
  readonly node: string
  readonly controller: Controller
  readonly store: TimedStore
  readonly audit: AuditFile
  readonly journal: ControlJournal
  nodes(): NodesReport
  watched(): readonly WatchedReport[]
  /** These sites are to have no work. */
  drained(sites: readonly string[]): void
}

/** An answer to a person, as the reports give reasons. */
export function explain(code: ExplanationCode, unit: string, message: string): Explanation {
  return { code, unit, message, evidence: {} }
}
