import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DrillDesk } from '@budao/controller'
import type {
  Config,
  DrillReadiness,
  DrillScheduleConfig,
  DrillsReport,
  DrillWish,
  EventDraft,
  ScheduledDrillReport,
} from '@budao/model'
import { Archive } from '../archive.ts'
import { drillsFolder } from '../drills-folder.ts'
import { Journal } from '../journal.ts'
import { DrillByHand } from './by-hand.ts'
import { blockedBy } from './block-windows.ts'
import { nextRun } from './next-run.ts'
import { runScheduled } from './run-scheduled.ts'
import type { ScheduledOutcome } from './run-scheduled.ts'
import { wallClock } from './wall-clock.ts'

/** What a process gives to its drills. */
export interface DrillRoleOptions {
  /** The configuration file. */
  readonly file: string
  report(event: EventDraft): void
  /** Whether this process is the one of its kind that begins drills now. */
  mayRun(): boolean
  /** Wall clock, milliseconds since 1970. Default the machine's. */
  readonly now?: () => number
  /** Runs one, and says how it went. Default: as a process of its own. */
  readonly run?: (drill: DrillScheduleConfig, file: string, folder: string) => Promise<ScheduledOutcome>
}

/** What is kept over restarts: up to when the schedule was looked at, and how each drill went last. */
interface Kept {
  readonly lookedAt: number
  readonly last: Readonly<Record<string, NonNullable<ScheduledDrillReport['last']>>>
}

/** Clocks are set and zones change: a timer is never trusted for longer. */
const lookMsMax = 60_000
/** A drill that begins later than this is not the one that people were told of. */
const lateMsMax = 300_000
const pastMax = 50

/** Drills of a process: those that begin by themselves, and what is known of all. */
export class DrillRole implements DrillDesk {
  readonly #options: DrillRoleOptions
  readonly #now: () => number
  readonly #byHand = new DrillByHand()
  #config: Config
  #kept: Kept
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #closed = true

  constructor(config: Config, options: DrillRoleOptions) {
    this.#config = config
    this.#options = options
    this.#now = options.now ?? ((): number => Date.now())
    this.#kept = this.#read()
  }

  /** From now on drills that are due begin. */
  begin(): void {
    this.#closed = false
    this.#look()
  }

  /** Another configuration is in force. */
  apply(config: Config): void {
    this.#config = config
    this.#look()
  }

  overview(): DrillsReport {
    const journal = new Journal(this.#folder)
    const entry = journal.read()
    return {
      open:
        entry === undefined
          ? null
          : { id: entry.id, scenario: entry.scenario, running: journal.isRunning(entry) },
      schedule: this.#schedule.map((drill) => this.#reportOf(drill)),
      drills: new Archive(this.#folder).list().slice(0, pastMax),
      current: this.#byHand.report,
    }
  }

  report(id: string): string | null {
    return new Archive(this.#folder).text(id)
  }

  page(id: string): string | null {
    return new Archive(this.#folder).html(id)
  }

  check(wish: DrillWish): Promise<DrillReadiness> {
    return this.#byHand.check(wish, this.#options.file, this.#folder)
  }

  start(wish: DrillWish): boolean {
    return this.#byHand.start(wish, this.#options.file, this.#folder)
  }

  abort(): boolean {
    return this.#byHand.abort()
  }

  /** A drill under way goes on: it is a process of its own. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    if (this.#schedule.length > 0) this.#keep({ ...this.#kept, lookedAt: this.#now() })
  }

  get #folder(): string {
    return drillsFolder(this.#config, dirname(this.#options.file))
  }

  get #schedule(): readonly DrillScheduleConfig[] {
    return this.#config.drills?.schedule ?? []
  }

  get #timezone(): string {
    return this.#config.drills!.timezone
  }

  /** Begins what has become due since the last look, or says why not. */
  #look(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#schedule.length === 0) return
    const now = this.#now()
    const since = this.#kept.lookedAt
    let next = now + lookMsMax
    for (const drill of this.#schedule) {
      const due = nextRun(drill, this.#timezone, since)
      if (due !== null && due <= now) this.#due(drill, due, now)
      next = Math.min(next, nextRun(drill, this.#timezone, now) ?? Infinity)
    }
    this.#keep({ ...this.#kept, lookedAt: now })
    this.#timer = setTimeout(() => this.#look(), Math.max(1, next - now)).unref()
  }

  #due(drill: DrillScheduleConfig, due: number, now: number): void {
    if (!this.#options.mayRun()) return
    const blocking = blockedBy(this.#config.drills!.blockWindows, this.#timezone, now)
    if (now - due > lateMsMax) return this.#skip(drill, due, 'nobody was there to begin it when it was due')
    if (blocking !== null)
      return this.#skip(
        drill,
        due,
        `drills are blocked then${blocking.reason === undefined ? '' : `: ${blocking.reason}`}`,
      )
    if (this.#running !== null) return this.#skip(drill, due, 'another drill was still running')
    this.#running = this.#run(drill, due).finally(() => (this.#running = null))
  }

  async #run(drill: DrillScheduleConfig, due: number): Promise<void> {
    const run = this.#options.run ?? runScheduled
    const { outcome, about } = await run(drill, this.#options.file, this.#folder)
    this.#remember(drill, due, outcome, about)
    if (outcome === 'refused') this.#say(drill, `was not run: ${about}`, due)
  }

  #skip(drill: DrillScheduleConfig, due: number, why: string): void {
    this.#remember(drill, due, 'skipped', why)
    this.#say(drill, `is skipped: ${why}`, due)
  }

  #say({ name, scenario, site }: DrillScheduleConfig, what: string, due: number): void {
    this.#options.report({
      kind: 'drill.skipped',
      severity: 'warning',
      subject: name,
      site,
      message: `The drill ${name} (${scenario} of ${site}) ${what}.`.slice(0, 500),
      evidence: { scenario, due: new Date(due).toISOString() },
    })
  }

  #remember({ name }: DrillScheduleConfig, due: number, outcome: string, about: string): void {
    const last = { ...this.#kept.last, [name]: { at: new Date(due).toISOString(), outcome, about } }
    this.#keep({ ...this.#kept, last })
  }

  #reportOf(drill: DrillScheduleConfig): ScheduledDrillReport {
    const { name, scenario, site } = drill
    const timezone = this.#timezone
    const next = nextRun(drill, timezone, this.#now())
    const shown = next === null ? null : wallClock(next, timezone)
    return {
      name,
      scenario,
      site,
      nextAt: next === null ? null : new Date(next).toISOString(),
      nextLocal: shown === null ? null : `${shown.weekday} ${shown.date} ${shown.time} ${timezone}`,
      blocked: next !== null && blockedBy(this.#config.drills!.blockWindows, timezone, next) !== null,
      last: this.#kept.last[name] ?? null,
    }
  }

  get #file(): string {
    return join(this.#folder, 'schedule.json')
  }

  /** What is damaged or not there yet begins now: nothing was missed that anybody knows of. */
  #read(): Kept {
    try {
      const { lookedAt, last } = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Kept>
      if (typeof lookedAt === 'number' && typeof last === 'object') return { lookedAt, last }
    } catch {
      // Then there is none.
    }
    return { lookedAt: this.#now(), last: {} }
  }

  #keep(kept: Kept): void {
    this.#kept = kept
    try {
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(this.#file, `${JSON.stringify(kept, null, 2)}\n`)
    } catch {
      // A full disk must not end the process; after a restart the schedule begins then.
    }
  }
}
