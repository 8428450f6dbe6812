import { Worker } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'
import type { RuntimePlan } from './runtime.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

/** A thread that cannot be replaced so often has a fault that restarting does not mend: wait longer each time. */
const RESTART_BASE_MS = 100
const RESTART_MAX_MS = 10_000
const ANSWER_MS = 20_000
/** What a request leaves behind dies at once; a larger nursery only costs memory (measured: no difference in CPU). */
const YOUNG_GENERATION_MB = 4

export type WorkerState = 'starting' | 'serving' | 'draining' | 'crashed'

export interface WorkerPoolOptions {
  readonly count: number
  readonly memory: SharedArrayBuffer
  readonly metrics: readonly SharedArrayBuffer[]
  report(event: EventDraft): void
  warn(message: string): void
  /** A thread has died: whatever it had under way has to be taken back. */
  onCrash(worker: number): void
}

interface Member {
  readonly index: number
  thread: Worker
  state: WorkerState
  restarts: number
  /** Resolves or rejects what the thread was last asked. */
  answer: { resolve(message: FromWorker): void; reject(error: Error): void } | null
}

/** The worker threads of one gateway: they prepare and commit snapshots together, and one that dies is replaced. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #members: Member[]
  #plan: RuntimePlan | null = null
  #addresses: Record<string, string> = {}
  #ending = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#members = Array.from({ length: options.count }, (_, index) => {
      const member = { index, state: 'starting', restarts: 0, answer: null } as unknown as Member
      member.thread = this.#start(member)
      return member
    })
  }

  /** Where the listeners are bound, by name. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses
  }

  states(): { id: number; state: WorkerState; restarts: number }[] {
    return this.#members.map(({ index, state, restarts }) => ({ id: index, state, restarts }))
  }

  /**
   * Brings a snapshot into force in every thread, or in none: rejects with what one of them cannot do, the old
   * snapshot then goes on everywhere.
   */
  async apply(plan: RuntimePlan): Promise<void> {
    const members = this.#members.filter(({ state }) => state !== 'crashed')
    const prepared = await Promise.allSettled(
      members.map((member) => this.#ask(member, { kind: 'prepare', plan })),
    )
    const refused = prepared.find((result) => result.status === 'rejected')
    if (refused !== undefined) {
      for (const member of members) this.#tell(member, { kind: 'abandon' })
      throw refused.reason
    }
    // One after the other: a port 0 is chosen by the first and shared by the others.
    const addresses: Record<string, string> = { ...this.#addresses }
    for (const name of Object.keys(addresses)) {
      const listener = plan.snapshot.config.listeners.find((each) => each.name === name)
      if (listener === undefined || !listener.address.endsWith(':0')) delete addresses[name]
    }
    for (const member of members) Object.assign(addresses, await this.#commit(member, addresses))
    this.#plan = plan
    this.#addresses = addresses
  }

  /** Lets requests under way finish, for at most `timeoutMs`; true when all did. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#ending = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs)
    })
    const drained = Promise.allSettled(
      this.#members.map((member) => {
        member.state = 'draining'
        return this.#ask(member, { kind: 'drain' }, timeoutMs + ANSWER_MS)
      }),
    ).then(() => true as const)
    const result = await Promise.race([drained, late])
    clearTimeout(timer)
    return result
  }

  async close(): Promise<void> {
    this.#ending = true
    await Promise.allSettled(this.#members.map((member) => this.#ask(member, { kind: 'close' }, 2_000)))
    await Promise.all(this.#members.map(({ thread }) => thread.terminate()))
  }

  /** Ends a thread that no longer reacts; it is replaced like one that crashed. */
  async replace(index: number): Promise<void> {
    await this.#members[index]!.thread.terminate()
  }

  async #commit(
    member: Member,
    addresses: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const answer = await this.#ask(member, { kind: 'commit', addresses })
    member.state = 'serving'
    return answer.kind === 'committed' ? answer.addresses : {}
  }

  #start(member: Member): Worker {
    const { memory, metrics } = this.#options
    const seed = crypto.getRandomValues(new Uint32Array(4))
    const start: WorkerStart = {
      worker: member.index,
      memory,
      metrics: metrics[member.index]!,
      seed: [seed[0]!, seed[1]!, seed[2]!, seed[3]!],
    }
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const thread = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: start,
      name: `worker-${member.index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    let cause = ''
    thread.on('message', (message: FromWorker) => this.#onMessage(member, message))
    thread.on('error', (error) => {
      cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    thread.on('exit', () => this.#onExit(member, thread, cause))
    return thread
  }

  #onMessage(member: Member, message: FromWorker): void {
    if (message.kind === 'event') this.#options.report(message.event)
    else if (message.kind === 'warning') this.#options.warn(message.message)
    else if (message.kind === 'failed') this.#settle(member)?.reject(new Error(message.problem))
    else this.#settle(member)?.resolve(message)
  }

  #settle(member: Member): Member['answer'] {
    const { answer } = member
    member.answer = null
    return answer
  }

  #onExit(member: Member, thread: Worker, cause: string): void {
    if (member.thread !== thread) return
    this.#settle(member)?.reject(new Error(`worker ${member.index} ended${cause === '' ? '' : `: ${cause}`}`))
    if (this.#ending || this.#plan === null) return
    member.state = 'crashed'
    member.restarts++
    this.#options.onCrash(member.index)
    this.#options.report({
      kind: 'worker.crashed',
      severity: 'critical',
      subject: `worker-${member.index}`,
      message: `Worker ${member.index} ended unexpectedly and is replaced.`,
      evidence: { restarts: member.restarts, cause: cause.slice(0, 2_000) },
    })
    const waitMs = Math.min(RESTART_MAX_MS, RESTART_BASE_MS * 2 ** Math.min(member.restarts - 1, 10))
    setTimeout(() => void this.#restart(member), waitMs)
  }

  async #restart(member: Member): Promise<void> {
    if (this.#ending) return
    member.state = 'starting'
    member.thread = this.#start(member)
    try {
      await this.#ask(member, { kind: 'prepare', plan: this.#plan! })
      await this.#commit(member, this.#addresses)
      this.#options.report({
        kind: 'worker.started',
        severity: 'info',
        subject: `worker-${member.index}`,
        message: `Worker ${member.index} serves again.`,
        evidence: { restarts: member.restarts },
      })
    } catch (error) {
      // Its exit, now or already seen, tries again.
      this.#options.warn(`worker ${member.index} could not be replaced: ${String(error)}`)
      await member.thread.terminate()
    }
  }

  #tell(member: Member, message: ToWorker): void {
    member.thread.postMessage(message)
  }

  #ask(member: Member, message: ToWorker, timeoutMs: number = ANSWER_MS): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        member.answer = null
        reject(new Error(`worker ${member.index} did not answer ${message.kind} within ${timeoutMs} ms`))
      }, timeoutMs)
      member.answer = {
        resolve: (answer) => {
          clearTimeout(timer)
          resolve(answer)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#tell(member, message)
    })
  }
}
