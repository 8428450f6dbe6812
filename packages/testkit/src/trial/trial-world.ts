import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Cleanup } from '../cleanup.ts'
import { memoryFolder } from '../memory-folder.ts'
import { makeNetwork } from '../namespaces.ts'
import type { TestProcess } from '../processes.ts'
import { type EpochFindings, checkEpochs } from './epoch-checker.ts'
import { type Attempt, type JournalEntry, machineNow, readJournal } from './journal.ts'
import type { LossFindings } from './loss-checker.ts'
import { Machine } from './machine.ts'
import { type FirstWrite, WriteLoad } from './write-load.ts'

export const trialSites = ['east', 'west'] as const
export type TrialSite = (typeof trialSites)[number]

const idsPerLoad = 1_000_000

export const backendPort = 7000
export const gatewayPort = 8080

/**
 * What breaks at the site that writes, or between the machines.
 * site-kill     SIGKILL to all of its processes
 * backend-kill  SIGKILL to what is behind its gateway
 * gateway-kill  SIGKILL to its gateway alone
 * site-stop     SIGSTOP to all of its processes, later SIGCONT
 * gateway-stop  SIGSTOP to its gateway alone
 * black-hole    no packet passes, in either direction
 * deaf          it hears nobody
 * mute          nobody hears it
 */
export const siteFaults = [
  'site-kill',
  'backend-kill',
  'gateway-kill',
  'site-stop',
  'gateway-stop',
  'black-hole',
  'deaf',
  'mute',
] as const
export type SiteFault = (typeof siteFaults)[number]

/** The last time that what is measured moved writes, by its own account. */
export interface LastMove {
  readonly id: string
  readonly by: string
  readonly reason: string
  readonly outcome: string | null
  /** Wall clock, milliseconds since 1970. */
  readonly startedAt: number
  /** When what failed had been found down, by the same clock; null: unknown. */
  readonly verdictAt: number | null
  /** When each step began, milliseconds since then. */
  readonly steps: Readonly<Record<string, number>>
}

/** Before whatever else this machine does: trials are about what is broken on purpose. */
export interface TrialPriority {
  /** By the real-time scheduler, where others keep the machine busy; else only nicer to itself than others are. */
  readonly realtime?: boolean
  /** A backend’s data follows that of the site that writes, without anybody waiting for it: what a failover loses can be told, and counted. */
  readonly replicates?: boolean
}

/** Two sites, a witness and clients, each a machine of its own; a recording backend a site. What stands in front of these is said by who extends it. */
export abstract class TrialWorld {
  readonly folder: string
  readonly machines: Readonly<Record<TrialSite | 'witness', Machine>>
  readonly #t: Cleanup
  readonly #ahead: readonly string[]
  protected readonly client: Machine
  #load: WriteLoad | undefined
  #loads = 0
  /** When the clients began last, of the machine’s clock. */
  protected loadAt = 0

  constructor(t: Cleanup, { realtime = false, replicates = false }: TrialPriority = {}) {
    this.#ahead = realtime ? ['chrt', '-r', '1'] : ['nice', '-n', '-10']
    const { east, west, witness, client } = makeNetwork(t, ['east', 'west', 'witness', 'client'])
    this.#t = t
    this.folder = memoryFolder(t)
    this.machines = { east: new Machine(east), west: new Machine(west), witness: new Machine(witness) }
    this.client = new Machine(client)
    // Before each program by itself, as the hooks run: what one of them has started would be left behind.
    for (const machine of [...Object.values(this.machines), this.client]) t.after(() => machine.kill())
    for (const site of trialSites) {
      this.start(site, 'backend', process.execPath, [
        '--conditions=@budao/source',
        fileURLToPath(new URL('recording-site-process.ts', import.meta.url)),
        ...[this.address(site), String(backendPort), site, this.#journal(site)],
        ...(replicates ? [this.dataLog(site), this.address(site === 'east' ? 'west' : 'east')] : []),
      ])
    }
  }

  /** Resolves when everything is as it should be, at both sites: one may fail now. */
  abstract settled(): Promise<void>

  /** Resolves when what `revive` has started serves again: starting is no part of anybody’s trial. */
  async started(): Promise<void> {}

  /** Null where nobody keeps account. */
  lastMove(): LastMove | null {
    return null
  }

  /** Who clients write to. */
  protected abstract get gateways(): readonly { name: string; address: string; port: number }[]

  /** What is a gateway among the programs of a site. */
  protected abstract get gatewayPrograms(): readonly string[]

  address(machine: TrialSite | 'witness'): string {
    return this.machines[machine].host.address
  }

  protected start(
    machine: TrialSite | 'witness',
    name: string,
    command: string,
    args: readonly string[],
  ): TestProcess {
    const { host } = this.machines[machine]
    const [first = '', ...rest] = [...this.#ahead, command, ...args]
    return this.machines[machine].run(name, () => host.start(this.#t, first, rest, this.folder))
  }

  /** Clients begin to write: so many a second, all gateways together. */
  startLoad(rate: number, timeoutMs: number): void {
    this.loadAt = machineNow()
    this.#load = new WriteLoad(this.#t, this.client.host, this.#ahead, {
      ...{ gateways: this.gateways, rate, timeoutMs, firstId: ++this.#loads * idsPerLoad },
      file: join(this.folder, `attempts-${this.#loads}`),
    })
    this.client.run('load', () => this.#load!.process)
  }

  /** Clients end. */
  async stopLoad(): Promise<void> {
    await this.#load?.process.stop()
  }

  /** Of the clients that began last. */
  get attempts(): Attempt[] {
    return this.#load?.attempts() ?? []
  }

  get firstWrites(): FirstWrite[] {
    return this.#load?.firstWrites ?? []
  }

  /** Breaks it; resolves to the moments before the first blow and after the last one, of the machine's monotonic clock. */
  async fail(site: TrialSite, fault: SiteFault): Promise<{ at: number; until: number }> {
    const machine = this.machines[site]
    const at = machineNow()
    switch (fault) {
      case 'site-kill':
        await machine.kill()
        break
      case 'backend-kill':
        await machine.kill(['backend'])
        break
      case 'gateway-kill':
        await machine.kill(this.gatewayPrograms)
        break
      case 'site-stop':
        machine.freeze()
        break
      case 'gateway-stop':
        machine.freeze(this.gatewayPrograms)
        break
      case 'black-hole':
        machine.cut('both')
        break
      case 'deaf':
        machine.cut('in')
        break
      case 'mute':
        machine.cut('out')
        break
    }
    return { at, until: machineNow() }
  }

  /** Everything is whole again; what was killed is started. */
  revive(): void {
    for (const machine of Object.values(this.machines)) machine.revive()
  }

  /** The first acknowledged write sent after `at` that holds; undefined when there was none within `timeoutMs`. */
  async writeAfter(
    at: number,
    timeoutMs: number,
    holds: (write: FirstWrite) => boolean,
  ): Promise<FirstWrite | undefined> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const found = this.firstWrites.find((write) => write.sentAt > at && holds(write))
      if (found !== undefined || performance.now() > until) return found
      await sleep(20)
    }
  }

  /** The last lines of everything that runs. */
  story(linesMax: number): string {
    return Object.entries(this.machines)
      .map(([name, machine]) => `== ${name}\n${machine.story(linesMax)}`)
      .join('\n')
  }

  /** What the backends did with the writes of the clients that began last. */
  journals(): Map<TrialSite, JournalEntry[]> {
    return new Map(
      trialSites.map((site) => [
        site,
        readJournal(this.#journal(site)).filter(({ id }) => Math.floor(id / idsPerLoad) === this.#loads),
      ]),
    )
  }

  /** Of the clients that began last, which should have ended. */
  check(): EpochFindings {
    return checkEpochs({ journals: this.journals(), attempts: this.attempts })
  }

  /** What moves of the clients’ last time lost, against what was said of it; null where nobody says. The clients should have ended. */
  losses(): LossFindings | null {
    return null
  }

  protected dataLog(site: string): string {
    return join(this.folder, `log-${site}`)
  }

  #journal(site: string): string {
    return join(this.folder, `journal-${site}`)
  }
}
