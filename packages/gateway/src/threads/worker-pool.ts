import type { EventDraft } from '@budao/model'
import type { Challenges } from '../acme/acme-challenges.ts'
import type { PurgeMatch } from '../cache/purge-match.ts'
import { KeyFileHost } from '../idempotency/key-file-host.ts'
import type { KeyTexts } from '../keys/remote-texts.ts'
import type { PeerAddresses } from '../ownership/peers.ts'
import type { RuntimePlan } from './runtime.ts'
import type { ServedTextsByName } from '../serve/served-texts.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import type { FromWorker, WorkerAnswer } from './worker-messages.ts'
import { WorkerThread } from './worker-thread.ts'

/** A thread that cannot be replaced so often has a fault that restarting does not mend: wait longer each time. */
const RESTART_BASE_MS = 100
const RESTART_MAX_MS = 10_000
/** One that has served so long before it died does not count as replaced in vain. */
const SETTLED_MS = 60_000
const CLOSE_MS = 2_000

export type WorkerState = 'starting' | 'serving' | 'draining' | 'crashed'

export interface WorkerPoolOptions {
  readonly count: number
  readonly memory: SharedArrayBuffer
  readonly metrics: readonly SharedArrayBuffer[]
  readonly listenerMetrics: readonly SharedArrayBuffer[]
  /** Where keys of writes are kept; absent: nowhere but in memory. */
  readonly keyFile: string | undefined
  /** Monotonic milliseconds. */
  now(): number
  report(event: EventDraft): void
  warn(message: string): void
  /** A thread has a token of a key that is not among those of this URL. */
  onKeysWanted(url: string): void
  /** A thread has died: whatever it had under way has to be taken back. */
  onCrash(worker: number): void
}

interface Member {
  readonly index: number
  thread: WorkerThread
  state: WorkerState
  restarts: number
  /** Restarts of which none led to a thread that settled. */
  inVain: number
  servingSince: number
}

/** The worker threads of one gateway: they prepare and commit snapshots together, and one that dies is replaced. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #members: Member[]
  #plan: RuntimePlan | null = null
  #keys: KeyTexts = {}
  #served: ServedTextsByName = {}
  #challenges: Challenges = new Map()
  #peers: PeerAddresses = { units: {}, sites: {} }
  readonly #keyFile: KeyFileHost
  #addresses: Readonly<Record<string, string>> = {}
  #ending = false
  #changing: Promise<unknown> = Promise.resolve()

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    const { report, warn } = options
    const onRestart = (): void =>
      void Promise.allSettled(this.#members.map((member) => this.#connect(member)))
    this.#keyFile = new KeyFileHost({ path: options.keyFile, report, warn, onRestart })
    this.#members = Array.from({ length: options.count }, (_, index) => {
      const member = {
        index,
        state: 'starting',
        restarts: 0,
        inVain: 0,
        servingSince: 0,
      } as unknown as Member
      member.thread = this.#start(member)
      return member
    })
  }

  /** Where the listeners are bound, by name. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses
  }

  /** What lies in the file of keys, by name. */
  keyCounts(): ReturnType<KeyFileHost['counts']> {
    return this.#keyFile.counts()
  }

  states(): { id: number; state: WorkerState; restarts: number }[] {
    return this.#members.map(({ index, state, restarts }) => ({ id: index, state, restarts }))
  }

  /**
   * Brings a snapshot into force in every thread, or in none: rejects with what one of them cannot do, the old
   * snapshot then goes on everywhere.
   */
  apply(plan: RuntimePlan): Promise<void> {
    return this.#alone(() => this.#apply(plan))
  }

  /** Uses other certificates everywhere from the next connection on. A thread that cannot take them is replaced. */
  renewTls(tls: TlsMaterial): Promise<void> {
    return this.#alone(async () => {
      if (this.#plan === null) return
      this.#plan = { ...this.#plan, tls }
      const serving = this.#members.filter(({ state }) => state === 'serving')
      await Promise.all(
        serving.map(async ({ index, thread }) => {
          try {
            await thread.ask({ kind: 'renew-tls', tls })
          } catch (error) {
            await thread.terminate(`it could not take renewed certificates: ${String(error)}`)
            this.#options.warn(`worker ${index} is replaced: ${String(error)}`)
          }
        }),
      )
    })
  }

  /** Gives every thread these key sets, now and when it is replaced. */
  tellKeys(keys: KeyTexts): void {
    this.#keys = keys
    // One that does not take them is ending, or too late: it will be given them anew.
    for (const { thread } of this.#members) thread.ask({ kind: 'keys', keys }).catch(() => {})
  }

  /** Gives every thread what its routes answer with, now and when it is replaced. */
  tellServed(texts: ServedTextsByName): void {
    this.#served = texts
    for (const { thread } of this.#members) thread.ask({ kind: 'served', texts }).catch(() => {})
  }

  /** Tells every thread, and those that replace them, where other gateways are. Resolves once all that serve know. */
  async tellPeers(addresses: PeerAddresses): Promise<void> {
    this.#peers = addresses
    await Promise.allSettled(this.#members.map(({ thread }) => thread.ask({ kind: 'peers', addresses })))
  }

  /** Has every thread, and those that replace them, answer these challenges. Resolves once all that serve do. */
  async tellChallenges(challenges: Challenges): Promise<void> {
    this.#challenges = challenges
    await Promise.allSettled(
      this.#members.map(({ thread }) => thread.ask({ kind: 'challenges', challenges })),
    )
  }

  /** Lets requests under way finish, for at most `timeoutMs`; true when all did. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#ending = true
    const serving = this.#members.filter(({ state }) => state === 'serving')
    for (const member of serving) member.state = 'draining'
    const drained = await Promise.allSettled(
      serving.map(({ thread }) => thread.ask({ kind: 'drain' }, timeoutMs)),
    )
    return drained.every(({ status }) => status === 'fulfilled')
  }

  async close(): Promise<void> {
    this.#ending = true
    await Promise.allSettled(this.#members.map(({ thread }) => thread.ask({ kind: 'close' }, CLOSE_MS)))
    await Promise.all(this.#members.map(({ thread }) => thread.terminate()))
    await this.#keyFile.close()
  }

  /** Has one thread purge what is not in memory. Returns how many records; rejects with what it could not do. */
  async purge(match: PurgeMatch): Promise<number> {
    const member = this.#members.find(({ state }) => state === 'serving')
    if (member === undefined) throw new Error('no worker is there to purge: try again')
    const answer = await member.thread.ask({ kind: 'purge', match })
    return answer.kind === 'purged' ? answer.removed : 0
  }

  /** Ends a thread that no longer reacts; it is replaced like one that crashed. */
  async replace(index: number, cause: string): Promise<void> {
    await this.#members[index]!.thread.terminate(cause)
  }

  /** Changes of the snapshot and replacements take turns: a new thread must begin with the snapshot of the others. */
  #alone<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change)
    this.#changing = changed.catch(() => {})
    return changed
  }

  async #apply(plan: RuntimePlan): Promise<void> {
    const members = this.#members.filter(({ state }) => state !== 'crashed')
    if (members.length === 0) throw new Error('no worker is there to take it: try again')
    try {
      await this.#keyFile.arrange(plan.snapshot.config)
      await Promise.all(members.map((member) => this.#connect(member)))
      await this.#prepareAll(members, plan)
      await this.#commitAll(members, plan)
    } catch (error) {
      await Promise.allSettled(members.map(({ thread }) => thread.ask({ kind: 'abandon' })))
      throw error
    }
  }

  async #prepareAll(members: readonly Member[], plan: RuntimePlan): Promise<void> {
    const told = { keys: this.#keys, served: this.#served }
    const prepared = await Promise.allSettled(
      members.map(({ thread }) => thread.ask({ kind: 'prepare', plan, ...told })),
    )
    for (const result of prepared) if (result.status === 'rejected') throw result.reason
  }

  /** One after the other: a port 0 is chosen by the first and shared by the others. Rejects when the first one does. */
  async #commitAll(members: readonly Member[], plan: RuntimePlan): Promise<void> {
    const [first, ...others] = members
    const kept = portsChosen(plan, this.#addresses)
    const addresses = await this.#commit(first!, kept)
    this.#plan = plan
    this.#addresses = addresses
    for (const member of others) {
      try {
        await this.#commit(member, portsChosen(plan, addresses))
      } catch (error) {
        // The first one serves the new snapshot already: this one begins anew with it.
        this.#options.warn(`worker ${member.index} is replaced: ${String(error)}`)
        await member.thread.terminate()
      }
    }
  }

  async #commit(
    member: Member,
    addresses: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const answer = await member.thread.ask({ kind: 'commit', addresses })
    if (!this.#ending && member.state !== 'serving') {
      member.state = 'serving'
      member.servingSince = this.#options.now()
    }
    return answer.kind === 'committed' ? answer.addresses : {}
  }

  #start(member: Member): WorkerThread {
    const { memory, metrics, listenerMetrics } = this.#options
    const [a, b, c, d] = crypto.getRandomValues(new Uint32Array(4))
    const thread: WorkerThread = new WorkerThread(
      {
        worker: member.index,
        memory,
        metrics: metrics[member.index]!,
        listenerMetrics: listenerMetrics[member.index]!,
        seed: [a!, b!, c!, d!],
      },
      {
        onNews: (news) => this.#onNews(news),
        onExit: (cause) => {
          if (member.thread === thread) this.#onExit(member, cause)
        },
      },
    )
    return thread
  }

  /** Shows a thread the way to the file of keys, if it has none yet. */
  async #connect({ thread }: Member): Promise<void> {
    const port = this.#keyFile.connect(thread)
    if (port !== null) await thread.ask({ kind: 'key-file', port })
  }

  #onNews(news: Exclude<FromWorker, WorkerAnswer>): void {
    const { report, warn, onKeysWanted } = this.#options
    switch (news.kind) {
      case 'event':
        return report(news.event)
      case 'warning':
        return warn(news.message)
      case 'keys-wanted':
        onKeysWanted(news.url)
    }
  }

  #onExit(member: Member, cause: string): void {
    if (this.#ending || this.#plan === null) return
    const settled = member.state === 'serving' && this.#options.now() - member.servingSince >= SETTLED_MS
    member.inVain = settled ? 0 : member.inVain + 1
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
    const waitMs = Math.min(
      RESTART_MAX_MS,
      RESTART_BASE_MS * 2 ** Math.max(0, Math.min(member.inVain - 1, 10)),
    )
    setTimeout(() => void this.#alone(() => this.#restart(member)), waitMs).unref()
  }

  async #restart(member: Member): Promise<void> {
    if (this.#ending) return
    member.state = 'starting'
    member.thread = this.#start(member)
    const plan = this.#plan!
    try {
      await member.thread.ask({ kind: 'challenges', challenges: this.#challenges })
      await member.thread.ask({ kind: 'peers', addresses: this.#peers })
      await this.#connect(member)
      await member.thread.ask({ kind: 'prepare', plan, keys: this.#keys, served: this.#served })
      await this.#commit(member, portsChosen(plan, this.#addresses))
      this.#options.report({
        kind: 'worker.started',
        severity: 'info',
        subject: `worker-${member.index}`,
        message: `Worker ${member.index} serves again.`,
        evidence: { restarts: member.restarts },
      })
    } catch (error) {
      // Its exit, now or already seen, tries again.
      if (!this.#ending) this.#options.warn(`worker ${member.index} could not be replaced: ${String(error)}`)
      await member.thread.terminate()
    }
  }
}

/** Where listeners that leave their port to the system are bound already, by name. */
function portsChosen(
  plan: RuntimePlan,
  addresses: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {}
  for (const { name, address } of plan.snapshot.config.listeners) {
    if (address.endsWith(':0') && addresses[name] !== undefined) chosen[name] = addresses[name]
  }
  return chosen
}
