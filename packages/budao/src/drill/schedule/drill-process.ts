import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { DrillWish } from '@budao/model'
import type { DrillReport } from '../drill-report.ts'
import { scenarios } from '../scenarios.ts'

/** How a drill went that was run as a process. */
export interface DrillOutcome {
  /** The verdict; refused: it was not ready, or could not be run. */
  readonly outcome: DrillReport['verdict'] | 'refused'
  /** Id of its report, or why it was refused. */
  readonly about: string
  readonly report: DrillReport | null
}

/** What is run, and how. */
export type DrillOrder = Omit<DrillWish, 'by' | 'force'> & Partial<Pick<DrillWish, 'by' | 'force'>>

/** Longer than any load, return and look for writes may take. */
const extraMs = 180_000
const checkMsMax = 25_000
const aboutMax = 400
const progressMax = 20

/** `budao drill SCENARIO` as a process of its own, so that its load does not hold up whoever serves. */
export class DrillProcess {
  readonly order: DrillOrder
  /** Never rejects. */
  readonly ended: Promise<DrillOutcome>
  readonly #child: ChildProcess
  #said = ''

  /** `file` is the configuration’s. */
  constructor(order: DrillOrder, file: string, folder: string) {
    this.order = order
    this.#child = run(['--yes', ...loadArguments(order)], order, file, folder, order.duration + extraMs)
    this.ended = this.#follow()
  }

  /** What it has said last. */
  get progress(): readonly string[] {
    return this.#said.split('\n').filter(Boolean).slice(-progressMax)
  }

  /** As Ctrl-C does it: what it broke is taken back, and what was measured is reported. */
  abort(): void {
    this.#child.kill('SIGINT')
  }

  async #follow(): Promise<DrillOutcome> {
    let answer = ''
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (answer += text))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    try {
      await end(this.#child)
      if (answer.trim() === '') return refused(this.progress.slice(-3).join(' '))
      const report = JSON.parse(answer) as DrillReport
      return { outcome: report.verdict, about: report.id, report }
    } catch (error) {
      return refused((error as Error).message)
    }
  }
}

/** Only looks whether everything is ready. Resolves with what `--check --json` prints; rejects with the reason where it prints nothing. */
export async function checkDrill(order: DrillOrder, file: string, folder: string): Promise<unknown> {
  const child = run(['--check', ...loadArguments(order)], order, file, folder, checkMsMax)
  let [answer, said] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (answer += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  await end(child)
  if (answer.trim() === '') throw new Error(said.trim().slice(-aboutMax) || 'it said nothing')
  return JSON.parse(answer)
}

function run(
  more: readonly string[],
  { scenario, site, by, force }: DrillOrder,
  file: string,
  folder: string,
  timeout: number,
): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`../../main.${extension}`, import.meta.url))
  const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'))
  const args = [
    ...flags,
    ...[program, 'drill', scenario, '--site', site, '-c', file, '--out', folder, '--json', ...more],
    ...(by === undefined ? [] : ['--by', by]),
    ...(force === undefined ? [] : ['--force', '--reason', force]),
  ]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout })
}

function loadArguments({ scenario, duration, rate, path, faultFor }: DrillOrder): string[] {
  return [
    ...['--duration', `${duration}ms`, '--kill-after', '5s', '--rate', String(rate), '--path', path],
    ...(scenarios[scenario].endedBy === 'drill' ? ['--for', `${faultFor}ms`] : []),
  ]
}

function end(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
}

function refused(about: string): DrillOutcome {
  return { outcome: 'refused', about: about.slice(0, aboutMax), report: null }
}
