import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { DrillScheduleConfig } from '@budao/model'
import type { DrillReport } from '../drill-report.ts'
import { scenarios } from '../scenarios.ts'

/** How a drill went that began by itself. */
export interface ScheduledOutcome {
  /** The verdict; refused: it was not ready, or could not be run. */
  readonly outcome: DrillReport['verdict'] | 'refused'
  /** Id of its report, or why it was refused. */
  readonly about: string
}

/** Longer than any load, return and look for writes may take. */
const extraMs = 180_000
const notifyMsMax = 10_000
const aboutMax = 400

/**
 * Runs it as a process of its own, so that its load does not hold up whoever serves, and tells whoever wants to know. Never rejects.
 */
export async function runScheduled(
  drill: DrillScheduleConfig,
  file: string,
  folder: string,
): Promise<ScheduledOutcome> {
  const outcome = await run(drill, file, folder)
  await Promise.all(drill.notify.map((url) => notify(url, drill, outcome)))
  return outcome.short
}

interface LongOutcome {
  readonly short: ScheduledOutcome
  readonly report: DrillReport | null
}

async function run(drill: DrillScheduleConfig, file: string, folder: string): Promise<LongOutcome> {
  const { scenario, site, duration, faultFor, rate, path } = drill
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`../../main.${extension}`, import.meta.url))
  const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'))
  const hasEnd = scenarios[scenario].endedBy === 'drill'
  const args = [
    ...flags,
    ...[program, 'drill', scenario, '--site', site, '-c', file, '--out', folder, '--json', '--yes'],
    ...['--duration', `${duration}ms`, '--kill-after', '5s', '--rate', String(rate), '--path', path],
    ...(hasEnd ? ['--for', `${faultFor}ms`] : []),
  ]
  try {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: duration + extraMs,
    })
    const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
    const [answer, progress] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (answer.trim() !== '') {
      const report = JSON.parse(answer) as DrillReport
      return { short: { outcome: report.verdict, about: report.id }, report }
    }
    const last = progress.trim().split('\n').slice(-3).join(' ').slice(0, aboutMax)
    return { short: { outcome: 'refused', about: last }, report: null }
  } catch (error) {
    return { short: { outcome: 'refused', about: (error as Error).message.slice(0, aboutMax) }, report: null }
  }
}

/** Whoever is not there is not waited for. */
async function notify(
  url: string,
  drill: DrillScheduleConfig,
  { short, report }: LongOutcome,
): Promise<void> {
  const { name, scenario, site } = drill
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ drill: name, scenario, site, ...short, report }),
      signal: AbortSignal.timeout(notifyMsMax),
    })
    await response.body?.cancel()
  } catch {
    // The event and the report say it too.
  }
}
