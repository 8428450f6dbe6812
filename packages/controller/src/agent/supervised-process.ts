import { randomBytes } from 'node:crypto'
import type { EventDraft, ProcessConfig, ProcessReport } from '@budao/model'
import { adoption } from './adoption.ts'
import { HealthLoop } from './health-loop.ts'
import { Launch } from './launch.ts'
import type { LaunchPlace } from './launch.ts'
import { emptyRecord, goneMax, startHash } from './process-record.ts'
import type { ProcessRecord, ProcessRecords } from './process-record.ts'
import { stepProcess } from './process-rules.ts'
import { mayLive, unstartedProcess } from './process-state.ts'
import type { ProcessEffect, ProcessEvent, ProcessState } from './process-state.ts'
import { beganAt, belonging, lookUp, residentBytes } from './process-table.ts'

/** What a process is looked after with. */
export interface ProcessSurroundings extends LaunchPlace {
  readonly site: string
  readonly boot: string
  readonly records: ProcessRecords
  report(event: EventDraft): void
  /** Its phase has changed. */
  changed(): void
  /** It has ended, just now; what it had started may still live. */
  exited(process: SupervisedProcess): void
  /** Nothing of that start of it lives any more. */
  gone(process: SupervisedProcess, start: string): void
}

const clearAgainMs = 50

/** One process and its rules: carries out what they want, and tells them what happens. */
export class SupervisedProcess {
  readonly name: string
  readonly #around: ProcessSurroundings
  readonly #health: HealthLoop
  #config: ProcessConfig
  #state: ProcessState
  #record: ProcessRecord
  #launch: Launch | null = null
  #adopted = false
  #timer: NodeJS.Timeout | undefined
  #clearing: NodeJS.Timeout | undefined
  #memoryBytes: number | null = null
  #closed = false

  constructor(
    name: string,
    config: ProcessConfig,
    record: ProcessRecord | undefined,
    around: ProcessSurroundings,
  ) {
    this.name = name
    this.#config = config
    this.#around = around
    this.#record = record ?? emptyRecord(name)
    this.#state = unstartedProcess(name, config, performance.now())
    this.#health = new HealthLoop((problem) => this.#step({ kind: 'checked', problem }))
  }

  get config(): ProcessConfig {
    return this.#config
  }

  get ready(): boolean {
    return this.#state.phase === 'running'
  }

  /** Nothing of it lives. */
  get ended(): boolean {
    return !mayLive(this.#state.phase)
  }

  /** Looks for what an agent before this one has left, and starts what is to run. */
  begin(): void {
    const { boot } = this.#around
    const record = this.#record
    const started = startHash(this.#config)
    const found = record.boot === boot && record.start !== '' ? this.#find(record) : null
    switch (
      adoption({
        record,
        wanted: this.#wanted,
        boot,
        started,
        alive: found !== null,
        remains: record.boot === boot && record.start !== '' && belonging(null, record.start).length > 0,
      })
    ) {
      case 'adopt':
        this.#take(found!)
        this.#step({ kind: 'adopted', pid: found!.pid, startedAt: found!.startedAt })
        return
      case 'replace':
      case 'end':
        this.#take(found!)
        this.#step({ kind: 'adopted', pid: found!.pid, startedAt: found!.startedAt })
        if (this.#wanted) this.#want(true, true, 'it runs with other settings than those of now')
        else this.#want(false, false, 'it is not to run')
        return
      case 'clear':
        this.#step({ kind: 'left-over', why: 'what it had started is ended first' })
        break
      case 'nothing':
        if (record.start !== '') this.#forget()
        if (record.boot === boot && record.crashLoop && record.started === started && this.#wanted) {
          const why = 'it was in a crash loop when the agent ended'
          this.#state = { ...this.#state, phase: 'crash-loop', wanted: true, why }
          return
        }
    }
    this.#want(this.#wanted, false, this.#wanted ? 'it is to run' : 'a standby')
  }

  /** What a person or a controller wants; remembered over restarts of the agent. */
  wish(wish: 'run' | 'stop', anew: boolean, why: string): void {
    this.#write({ wish, crashLoop: false, orderedBy: [] })
    this.#want(wish === 'run', anew, why)
  }

  /** Units for which controllers have it started. */
  get orderedBy(): readonly string[] {
    return this.#record.orderedBy
  }

  /** A controller moves that unit here. */
  startFor(unit: string): void {
    const { orderedBy } = this.#record
    const known = orderedBy.includes(unit)
    if (known && this.#state.wanted && this.#state.phase !== 'crash-loop') return
    this.#write({ wish: 'run', crashLoop: false, orderedBy: known ? orderedBy : [...orderedBy, unit] })
    this.#want(true, false, `${unit} is to come here`)
  }

  /** That unit does not need it any more; who is left without any is stopped. */
  stopFor(unit: string): void {
    const orderedBy = this.#record.orderedBy.filter((each) => each !== unit)
    this.#write(orderedBy.length > 0 ? { orderedBy } : { wish: 'stop', crashLoop: false, orderedBy })
    if (orderedBy.length === 0) this.#want(false, false, `${unit} is elsewhere`)
  }

  /** Ends it, whatever is wanted of it later. */
  end(why: string): void {
    this.#want(false, false, why)
  }

  /** Other settings: it is started again where it has to be. */
  apply(config: ProcessConfig): void {
    const again = startHash(config) !== startHash(this.#config)
    this.#config = config
    this.#step({ kind: 'rules', rules: config })
    this.#follow()
    if (again && this.#wanted) this.#want(true, true, 'its settings have changed')
    else if (this.#wanted !== this.#state.wanted) this.#want(this.#wanted, false, 'its settings have changed')
  }

  /** Whether all it comes after is ready. Says whether that was news. */
  clearToStart(clear: boolean): boolean {
    if (this.#state.clearToStart === clear) return false
    this.#step({ kind: 'clear-to-start', clear })
    return true
  }

  /** Now and then: its memory, and the size of what it has written. */
  look(): void {
    this.#launch?.rotate()
    if (this.#launch === null || !mayLive(this.#state.phase)) return
    this.#memoryBytes = residentBytes(this.#launch.pid)
    if (this.#memoryBytes !== null) this.#step({ kind: 'weighed', bytes: this.#memoryBytes })
  }

  /** Whether anything of the start with that name lives; `unknown` where it is none of the last ones. */
  fateOf(start: string): 'gone' | 'alive' | 'unknown' {
    if (start !== '' && this.#record.start === start) return this.ended ? 'gone' : 'alive'
    return this.#record.gone.includes(start) ? 'gone' : 'unknown'
  }

  report(): ProcessReport {
    const { phase, wanted, why, since, startedAt, deadline, starts, hangs, crashes, lastExit } = this.#state
    const now = performance.now()
    const lives = mayLive(phase)
    return {
      name: this.name,
      state: phase,
      wanted,
      why,
      sinceMs: Math.round(now - since),
      pid: lives ? (this.#launch?.pid ?? null) : null,
      adopted: lives && this.#adopted,
      upMs: startedAt === null ? null : Math.round(now - startedAt),
      nextMs: deadline === null ? null : Math.max(0, Math.round(deadline - now)),
      service: this.#config.service ?? null,
      address: this.#config.address ?? null,
      node: this.#config.node ?? null,
      standby: this.#config.standby,
      restarts: Math.max(0, starts - 1),
      hangs,
      crashes,
      memoryBytes: lives ? this.#memoryBytes : null,
      lastExit,
    }
  }

  /** Stops looking after it; it is left as it is. */
  close(): void {
    this.#closed = true
    this.#health.stop()
    clearTimeout(this.#timer)
    clearTimeout(this.#clearing)
    this.#launch?.close()
  }

  get #wanted(): boolean {
    const { wish } = this.#record
    return wish === null ? !this.#config.standby : wish === 'run'
  }

  #want(wanted: boolean, anew: boolean, why: string): void {
    this.#step({ kind: 'wanted', wanted, anew, why })
  }

  /** The process of a record, if it lives: by its id, or by its name where the agent died before it knew the id. */
  #find({ pid, identity, start }: ProcessRecord): FoundProcess | null {
    const leader =
      pid === null
        ? belonging(null, start).find((each) => each.group === each.pid)
        : (lookUp(pid) ?? undefined)
    if (leader === undefined || (pid !== null && leader.identity !== identity)) return null
    return { pid: leader.pid, identity: leader.identity, startedAt: beganAt(leader) ?? performance.now() }
  }

  #take({ pid, identity }: FoundProcess): void {
    this.#adopted = true
    this.#write({ pid, identity })
    this.#launch = Launch.adopt(pid, identity, this.#config, this.name, this.#around, () =>
      this.#exited(null, null),
    )
  }

  #step(event: ProcessEvent): void {
    if (this.#closed) return
    const before = this.#state.phase
    const moment = { now: performance.now(), wall: new Date().toISOString(), random: Math.random() }
    const { state, effects } = stepProcess(this.#state, event, moment)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    this.#follow()
    if (this.#state.phase === before) return
    if (this.#state.phase === 'crash-loop' || before === 'crash-loop')
      this.#write({ crashLoop: this.#state.phase === 'crash-loop' })
    this.#around.changed()
  }

  #carryOut(effect: ProcessEffect): void {
    switch (effect.kind) {
      case 'spawn':
        return this.#spawn()
      case 'signal':
        return this.#launch?.signal(this.#config.stop.signal)
      case 'kill':
        return this.#launch?.signal('SIGKILL')
      case 'clear':
        return this.#clear()
      case 'tell': {
        const { service } = this.#config
        const about = {
          subject: this.name,
          site: this.#around.site,
          ...(service === undefined ? {} : { service }),
        }
        return this.#around.report({ ...effect.event, ...about })
      }
    }
  }

  #spawn(): void {
    const start = randomBytes(8).toString('hex')
    const { boot } = this.#around
    this.#adopted = false
    this.#memoryBytes = null
    // Before it is started: an agent that is killed in between finds it by this name.
    this.#write({ boot, start, pid: null, identity: '', started: startHash(this.#config) })
    const launched = Launch.start(start, this.#config, this.name, this.#around, {
      exited: (code, signal) => this.#exited(code, signal),
      failed: (why) => {
        this.#forget()
        this.#step({ kind: 'unstartable', why })
      },
    })
    this.#launch = launched
    if (launched === null) return
    this.#write({ pid: launched.pid, identity: launched.identity })
    this.#step({ kind: 'spawned', pid: launched.pid })
  }

  #exited(code: number | null, signal: string | null): void {
    if (this.#closed) return
    this.#around.exited(this)
    this.#step({ kind: 'exited', code, signal })
  }

  /** Ends whatever it had started, and asks again until nothing of it lives. */
  #clear(): void {
    clearTimeout(this.#clearing)
    const left = belonging(this.#launch?.pid ?? null, this.#record.start)
    if (left.length === 0) {
      this.#forget()
      this.#step({ kind: 'cleared' })
      return
    }
    for (const { pid } of left) killOne(pid)
    this.#clearing = setTimeout(() => this.#clear(), clearAgainMs)
  }

  #forget(): void {
    this.#launch?.close()
    this.#launch = null
    const { start, gone } = this.#record
    this.#write({
      pid: null,
      identity: '',
      gone: [start, ...gone.filter((each) => each !== start)].slice(0, goneMax),
    })
    this.#around.gone(this, start)
  }

  #write(change: Partial<ProcessRecord>): void {
    this.#record = { ...this.#record, ...change }
    this.#around.records.write(this.#record)
  }

  /** Sets the clocks by the state: the next deadline, and the checks. */
  #follow(): void {
    const { phase, deadline } = this.#state
    clearTimeout(this.#timer)
    if (deadline !== null) {
      // A timer may be early by a fraction of a millisecond.
      const waitMs = Math.max(0, Math.ceil(deadline - performance.now()))
      this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), waitMs)
    }
    const { health } = this.#config
    const address = health?.address ?? this.#config.address ?? ''
    if (health === undefined || this.#launch === null || (phase !== 'starting' && phase !== 'running'))
      this.#health.stop()
    else this.#health.run(health, address, this.#launch.surroundings, phase === 'starting')
  }
}

interface FoundProcess {
  readonly pid: number
  readonly identity: string
  readonly startedAt: number
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile; what may not be killed is still there at the next look.
  }
}
