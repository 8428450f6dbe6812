import type { DrillScheduleConfig } from '@budao/model'
import { DrillProcess } from './drill-process.ts'
import type { DrillOutcome } from './drill-process.ts'

/** How a drill went that began by itself. */
export type ScheduledOutcome = Pick<DrillOutcome, 'outcome' | 'about'>

const notifyMsMax = 10_000

/**
 * Runs it as a process of its own, so that its load does not hold up whoever serves, and tells whoever wants to know. Never rejects.
 */
export async function runScheduled(
  drill: DrillScheduleConfig,
  file: string,
  folder: string,
): Promise<ScheduledOutcome> {
  const outcome = await new DrillProcess(drill, file, folder).ended
  await Promise.all(drill.notify.map((url) => notify(url, drill, outcome)))
  return { outcome: outcome.outcome, about: outcome.about }
}

/** Whoever is not there is not waited for. */
async function notify(url: string, drill: DrillScheduleConfig, outcome: DrillOutcome): Promise<void> {
  const { name, scenario, site } = drill
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ drill: name, scenario, site, ...outcome }),
      signal: AbortSignal.timeout(notifyMsMax),
    })
    await response.body?.cancel()
  } catch {
    // The event and the report say it too.
  }
}
