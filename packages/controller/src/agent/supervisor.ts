import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventDraft, ProcessConfig, ProcessReport } from '@budao/model'
import type { ProcessChange } from '../admin-source.ts'
import { processMetrics } from './process-metrics.ts'
import { lockFolder } from './agent-lock.ts'
import { PidFile } from './pid-file.ts'
import { ProcessRecords } from './process-record.ts'
import { bootId } from './process-table.ts'
import { StandbyProcesses } from './standby-processes.ts'
import { stopOrder } from './start-order.ts'
import { SupervisedProcess } from './supervised-process.ts'
import type { ProcessSurroundings } from './supervised-process.ts'

/** Processes by name, as configured. */
export type Processes = Readonly<Record<string, ProcessConfig>>

/** What an agent works with. */
export interface SupervisorOptions {
  readonly site: string
  /** Folder of the configuration file. */
  readonly baseDir: string
  /** `processes` in it holds what must outlive the agent, and what the processes write. */
  readonly dataDir: string
  /** Kept with a line `PID name` for each that lives, for drills; null: nowhere. */
  readonly pidFile: string | null
  report(event: EventDraft): void
}

/** Who wants to know when processes end. */
export interface EndListener {
  /** The last process of a service here has ended, in the moment the system says so: hard evidence. */
  serviceExited(service: string): void
  /** Nothing of that start of a node lives any more. */
  nodeGone(node: string, start: string): void
}

const lookEveryMs = 1_000
/** Beyond the grace of each: SIGKILL takes a moment, and what cannot be killed is not waited for. */
const endPatienceMs = 5_000

/** Starts the processes of a node and keeps them running, over restarts of its own: see `stepProcess` for the rules. */
export class Supervisor {
  readonly #around: ProcessSurroundings
  readonly #lock: { release(): void }
  readonly #processes = new Map<string, SupervisedProcess>()
  /** Not configured any more, and not yet ended. */
  readonly #leaving = new Set<SupervisedProcess>()
  readonly #listeners = new Set<EndListener>()
  readonly #looking: NodeJS.Timeout
  readonly #pids: PidFile | null
  #propagating = false
  /** Those that are started only when work goes to this site. */
  readonly standbys: StandbyProcesses = new StandbyProcesses(() => [...this.#processes.values()])

  /**
   * Adopts what runs already and starts the rest. Throws ControllerError AGENT_LOCKED where another agent has the folder,
   * an Error where it cannot be written.
   */
  constructor(processes: Processes, options: SupervisorOptions) {
    const folder = join(options.dataDir, 'processes')
    mkdirSync(folder, { recursive: true })
    this.#lock = lockFolder(folder)
    const { site, baseDir, pidFile } = options
    this.#pids = pidFile === null ? null : new PidFile(pidFile)
    this.#around = {
      site,
      baseDir,
      folder,
      boot: bootId(),
      records: new ProcessRecords(folder),
      report: (event) => options.report(event),
      changed: () => {
        this.#propagate()
        this.#notePids()
      },
      exited: (process) => this.#exited(process),
      gone: ({ config }, start) => {
        if (config.node === undefined) return
        for (const listener of this.#listeners) listener.nodeGone(config.node, start)
      },
    }
    const records = this.#around.records.all()
    for (const [name, config] of Object.entries(processes))
      this.#processes.set(name, new SupervisedProcess(name, config, records.get(name), this.#around))
    this.#propagate()
    for (const process of this.#processes.values()) process.begin()
    this.#looking = setInterval(() => {
      for (const process of this.#processes.values()) process.look()
    }, lookEveryMs)
  }

  /** As configured from now on: new ones are started, others ended or started again where they have to be. */
  apply(processes: Processes): void {
    for (const [name, process] of this.#processes) {
      if (Object.hasOwn(processes, name)) continue
      this.#processes.delete(name)
      this.#leaving.add(process)
      process.end('it is not configured any more')
    }
    for (const [name, config] of Object.entries(processes)) {
      const known = this.#processes.get(name) ?? [...this.#leaving].find((each) => each.name === name)
      if (known !== undefined) {
        this.#leaving.delete(known)
        this.#processes.set(name, known)
        known.apply(config)
      } else {
        const record = this.#around.records.all().get(name)
        const process = new SupervisedProcess(name, config, record, this.#around)
        this.#processes.set(name, process)
        this.#propagate()
        process.begin()
      }
    }
    this.#propagate()
  }

  processes(): readonly ProcessReport[] {
    return [...this.#processes.values()].map((process) => process.report())
  }

  /** Throws a RangeError for a process that is not configured. */
  change(name: string, { action, reason }: ProcessChange): void {
    const process = this.#processes.get(name)
    if (process === undefined) throw new RangeError(`no process ${name}`)
    const why = reason === '' ? `a person wanted it: ${action}` : reason
    process.wish(action === 'stop' ? 'stop' : 'run', action === 'restart', why)
  }

  metrics(): string {
    return processMetrics(this.processes())
  }

  /** Tells `listener` from now on. Returns the way to stop. */
  onEnd(listener: EndListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether anything of that start of a node lives; `unknown` where this agent cannot say. */
  fateOf(node: string, start: string): 'gone' | 'alive' | 'unknown' {
    const process = [...this.#processes.values()].find(({ config }) => config.node === node)
    return process?.fateOf(start) ?? 'unknown'
  }

  /** Ends all, those that nobody needs first, and lets go of the folder. */
  async close(): Promise<void> {
    const named = Object.fromEntries([...this.#processes].map(([name, { config }]) => [name, config]))
    const groups = stopOrder(named).map((group) => group.map((name) => this.#processes.get(name)!))
    for (const group of [[...this.#leaving], ...groups]) {
      for (const process of group) process.end('the agent ends')
      const graceMs = Math.max(0, ...group.map(({ config }) => config.stop.grace))
      const until = performance.now() + graceMs + endPatienceMs
      while (group.some(({ ended }) => !ended) && performance.now() < until) await sleep(10)
    }
    this.leave()
  }

  /** Lets go of everything and leaves it running. */
  leave(): void {
    clearInterval(this.#looking)
    for (const process of [...this.#processes.values(), ...this.#leaving]) process.close()
    this.#lock.release()
  }

  /** Tells each whether what it comes after is ready, and forgets those that have left. */
  #propagate(): void {
    // What one is told may change another one, which comes back here: that is done by the loop that runs already.
    if (this.#propagating) return
    this.#propagating = true
    for (let again = true; again;) {
      again = false
      for (const process of this.#processes.values()) {
        const clear = process.config.after.every((name) => this.#processes.get(name)?.ready === true)
        if (process.clearToStart(clear)) again = true
      }
    }
    for (const process of this.#leaving) {
      if (!process.ended) continue
      process.close()
      this.#leaving.delete(process)
      if (!this.#processes.has(process.name)) this.#around.records.remove(process.name)
    }
    this.#propagating = false
  }

  #notePids(): void {
    this.#pids?.write(
      [...this.#processes.values()].flatMap((process) => {
        const { name, pid } = process.report()
        return pid === null ? [] : [{ pid, name, command: process.config.command }]
      }),
    )
  }

  #exited(process: SupervisedProcess): void {
    const { service } = process.config
    if (service === undefined) return
    const others = [...this.#processes.values()].filter(
      (each) => each !== process && each.config.service === service,
    )
    if (others.some(({ ended }) => !ended)) return
    for (const listener of this.#listeners) listener.serviceExited(service)
  }
}
