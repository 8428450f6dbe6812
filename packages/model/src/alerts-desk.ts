import type { AckWish, AlertsReport, SilenceReport, SilenceWish } from './alerts-report.ts'

/** What people ask of the alerts of a process, and want of them. */
export interface AlertsDesk {
  report(): AlertsReport
  /** Throws a RangeError for a matcher that is none, and where there are too many silences. */
  silence(wish: SilenceWish): SilenceReport
  /** False where there is none that has not ended. */
  endSilence(id: string, by: string): boolean
  /** How many alerts it was about; 0: none of that name fires. */
  acknowledge(wish: AckWish): number
  /** The same by the link of a message; null where the link is made up or too old. */
  acknowledgeLink(token: string): number | null
  /** One line for each alert that a link is about; null as above. */
  linkSummary(token: string): readonly string[] | null
}
