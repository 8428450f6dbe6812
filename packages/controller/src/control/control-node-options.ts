import type { Config, CoordinationStore, EventDraft, SiteVerdict } from '@budao/model'
import type { Witness } from '../agent/site-agent.ts'
import type { AuditFileOptions } from './audit-file.ts'
import type { ServingSide, SiteShare } from './serving-side.ts'

/** What a node has to do with. */
export interface ControlNodeOptions {
  /** With `control`. */
  readonly config: Config
  readonly token: string
  readonly store: CoordinationStore & { close(): void }
  /** Relative paths of the configuration start here. */
  readonly baseDir: string
  /** Folder of the audit log. */
  readonly folder: string
  /** Opens it. Default by the file system. */
  readonly openAudit?: AuditFileOptions['open']
  /** Unique for each start of the process. */
  readonly start: string
  /** Whether it decides too. */
  readonly controller: boolean
  /** Where its admin API answers, as others reach it. */
  readonly admin: string | null
  /** The gateway in this process; null: there is none. */
  readonly serving: ServingSide | null
  /** What looks after the processes of this site, where this process does; its word is evidence, and fences. */
  readonly supervisor?: Witness | null
  now(): number
  report(event: EventDraft): void
  warn(message: string): void
  /** The verdicts of now, when one has changed and at least each second, and what slow sites keep of their weight. */
  judged?(verdicts: readonly SiteVerdict[], shares: readonly SiteShare[]): void
}
