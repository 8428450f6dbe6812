import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AuditRecord, BudaoEvent, NodesReport, UnitReport } from '@budao/model'
import type { Cleanup } from '../cleanup.ts'
import { machineNow } from './journal.ts'
import { checkLosses, dataBefore, type LossFindings, reportedLosses } from './loss-checker.ts'
import {
  backendPort,
  gatewayPort,
  type LastMove,
  type SiteFault,
  type TrialPriority,
  type TrialSite,
  TrialWorld,
  trialSites,
} from './trial-world.ts'

const main = fileURLToPath(new URL('../../../budao/src/main.ts', import.meta.url))
const adminPort = 9900
const linkPort = 9940
/** No two moves by itself are nearer than ten seconds. */
const apartMs = 10_500
/** A site that fell three times within a minute or two is not used again for two: its penalty has to decay. */
const settleMsMax = 300_000
/** Nobody who leads answers for so long: what asks is broken, or what is asked. */
const silentMsMax = 60_000
/** Until what was started again answers, or is not waited for any more. */
const startMsMax = 30_000
const nodes = { east: 'gw-east', west: 'gw-west', witness: 'third' } as const
const agents = { east: 'agent-east', west: 'agent-west' } as const
type Place = keyof typeof nodes

/** Who leads, and what it says. */
export interface Leader {
  readonly place: Place
  readonly report: UnitReport
}

export interface BudaoOptions extends TrialPriority {
  readonly detection: 'accelerated' | 'literal'
  readonly fence: 'lease' | 'process'
  /** The program of etcd: a member at each site and one beside the witness. Absent: one SQLite file, which all machines reach. */
  readonly etcd?: string
  /** Each site’s gateway is looked after by an agent, whose word that it has ended is a fence. */
  readonly agents?: boolean
  /** In front of every program of ours: for example a clock that jumps. */
  readonly wrapper?: readonly string[]
  /** Where a node keeps its data; absent: a folder of its own in that of the trial. */
  readonly dataDir?: (place: Place) => string
}

/** Two gateways that decide, a witness that decides too, and where they keep leases. */
export class BudaoWorld extends TrialWorld {
  readonly #options: BudaoOptions
  #epoch: { readonly epoch: number | null; readonly since: number } = { epoch: null, since: 0 }
  /** Of the last question that nobody answered. */
  #unanswered = ''

  constructor(t: Cleanup, options: BudaoOptions) {
    super(t, options)
    this.#options = options
    writeFileSync(join(this.folder, 'secret'), 'a secret that all nodes of a trial share')
    if (options.etcd !== undefined)
      for (const place of ['east', 'west', 'witness'] as const) this.#startEtcd(place, options.etcd)
    // Who watches only is there first, and leads.
    this.#startNode('witness', 'controller')
    for (const site of trialSites)
      if (options.agents === true) this.#startAgent(site)
      else this.#startNode(site, 'gateway')
  }

  /** All of a site’s processes are killed but the agent: the machine lives, and somebody there sees them end. */
  override async fail(site: TrialSite, fault: SiteFault): Promise<{ at: number; until: number }> {
    if (this.#options.agents !== true || (fault !== 'site-kill' && fault !== 'gateway-kill'))
      return super.fail(site, fault)
    const at = machineNow()
    await this.machines[site].killSupervised('agent', fault === 'site-kill' ? ['backend'] : [])
    return { at, until: machineNow() }
  }

  protected override get gateways(): { name: string; address: string; port: number }[] {
    return trialSites.map((site) => ({ name: nodes[site], address: this.address(site), port: gatewayPort }))
  }

  protected override get gatewayPrograms(): readonly string[] {
    return [this.#options.agents === true ? 'agent' : 'budao']
  }

  dataDir(place: Place): string {
    return this.#options.dataDir?.(place) ?? join(this.folder, `data-${nodes[place]}`)
  }

  /** What the node of that place says of the unit; null: nothing. */
  report(place: Place): UnitReport | null {
    return (this.#ask(place, '/api/v1/failover') as { units?: UnitReport[] } | null)?.units?.[0] ?? null
  }

  /** Of whoever leads. */
  leader(): Leader | null {
    for (const place of ['witness', 'west', 'east'] as const) {
      const report = this.report(place)
      if (report?.leads === true) return { place, report }
    }
    return null
  }

  override async settled(): Promise<void> {
    await this.reported(({ report }) => this.#rests(report) && isWell(report) && this.#allWatch())
  }

  override async started(): Promise<void> {
    const until = performance.now() + startMsMax
    while (performance.now() < until) {
      if ((['witness', 'west', 'east'] as const).every((place) => this.report(place) !== null)) return
      await sleep(100)
    }
  }

  /** Nobody abstains: whoever was late while something else was started on this machine is well again. */
  #allWatch(): boolean {
    return (['witness', 'west', 'east'] as const).every((place) => {
      const found = this.#ask(place, '/api/v1/failover/nodes') as NodesReport | null
      return found?.nodes.every(({ link, abstains }) => link !== 'self' || abstains === null) === true
    })
  }

  /** Somebody leads whose report is such; rejects when that takes longer than five minutes. */
  async reported(holds: (leader: Leader) => boolean): Promise<Leader> {
    const began = performance.now()
    let heardAt = began
    for (;;) {
      const leader = this.leader()
      if (leader !== null && holds(leader)) return leader
      const now = performance.now()
      if (leader !== null) heardAt = now
      if (now > began + settleMsMax || now > heardAt + silentMsMax)
        throw new Error(
          `not settled within ${Math.round((now - began) / 1_000)} s: ${this.#standing(leader)}\n${this.story(15)}`,
        )
      await sleep(300)
    }
  }

  /** What keeps it from being settled, as far as anybody answers. */
  #standing(leader: Leader | null): string {
    if (leader !== null) return JSON.stringify(leader.report, null, 2)
    const answers = (['witness', 'west', 'east'] as const).map((place) =>
      this.report(place) === null ? `${nodes[place]} ${this.#unanswered}` : `${nodes[place]} does not lead`,
    )
    return `nobody says that it leads: ${answers.join(', ')}`
  }

  override lastMove(): LastMove | null {
    const leader = this.leader()
    const run = leader?.report.run
    if (leader === null || run === undefined || run === null) return null
    // The time in which it rests begins here, whenever it is settled next.
    this.#rests(leader.report)
    const { id, by, reason, startedAt, steps, outcome } = run
    const since = Object.fromEntries(steps.map(({ step, atMs }) => [step, Math.round(atMs)]))
    return {
      id,
      by,
      reason,
      outcome,
      startedAt,
      verdictAt: this.#verdictAt(leader.place, run.from),
      steps: since,
    }
  }

  /** When whoever leads had found that site down last; null: it did not, or began to lead later. */
  #verdictAt(place: Place, site: string): number | null {
    const path = '/api/v1/events?kind=failover.verdict&limit=20'
    const found = this.#ask(place, path) as { events: BudaoEvent[] } | null
    const down = found?.events.findLast((event) => event.site === site && event.evidence['state'] === 'down')
    return down === undefined ? null : Date.parse(down.at)
  }

  /** Of a node’s admin API, without a program that takes longer to start than the question does; null: no answer. */
  #ask(place: Place, path: string): unknown {
    const request = `GET ${path} HTTP/1.0\\r\\nHost: 127.0.0.1:${adminPort}\\r\\n\\r\\n`
    const script = `exec 3<>/dev/tcp/127.0.0.1/${adminPort} && printf '${request}' >&3 && cat <&3`
    try {
      const text = this.machines[place].host.run('timeout', ['2', 'bash', '--norc', '-c', script])
      this.#unanswered = `answered ${text.slice(0, 40)}`
      if (!/^HTTP\/1\.[01] 200 /.test(text)) return null
      return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
    } catch (error) {
      this.#unanswered = (error as Error).message.slice(0, 200)
      return null
    }
  }

  /** By the audit logs of all nodes, and what the backends had. */
  override losses(): LossFindings | null {
    if (this.#options.replicates !== true) return null
    const offset = machineNow() - Date.now()
    const linesOf = (file: string): string[] =>
      existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    const records = (['east', 'west', 'witness'] as const).flatMap((place) =>
      linesOf(join(this.dataDir(place), 'audit.ndjson'))
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as AuditRecord),
    )
    const reports = reportedLosses(records, (wallMs) => wallMs + offset).filter(
      ({ claimedAfter }) => claimedAfter > this.loadAt,
    )
    const logs = new Map(trialSites.map((site) => [site as string, linesOf(this.dataLog(site))]))
    const acknowledged = this.attempts
      .filter(({ kind, status }) => kind === 'write' && status === 200)
      .map(({ id, epoch, doneAt }) => ({ id, epoch, at: doneAt }))
    return checkLosses(reports, acknowledged, ({ site, epoch }) => dataBefore(logs.get(site) ?? [], epoch))
  }

  /** For as long as moves by itself keep apart. */
  #rests({ epoch, run }: UnitReport): boolean {
    if (run === null) return true
    const now = performance.now()
    if (this.#epoch.epoch !== epoch) this.#epoch = { epoch, since: now }
    return now - this.#epoch.since > apartMs
  }

  #startNode(place: Place, verb: 'gateway' | 'controller'): void {
    const file = join(this.folder, `${nodes[place]}.yaml`)
    writeFileSync(file, `${JSON.stringify(this.#config(place), null, 2)}\n`)
    const [command = '', ...args] = [
      ...(this.#options.wrapper ?? []),
      ...[process.execPath, '--conditions=@budao/source', main, verb, '-c', file],
    ]
    this.start(place, 'budao', command, args)
  }

  #startAgent(site: TrialSite): void {
    const gateway = join(this.folder, `${nodes[site]}.yaml`)
    writeFileSync(gateway, `${JSON.stringify(this.#config(site), null, 2)}\n`)
    const file = join(this.folder, `${agents[site]}.yaml`)
    const { control, services, sites } = this.#config(site)
    const config = {
      ...{ version: 1, node: { name: agents[site], site }, sites, services },
      dataDir: join(this.folder, `data-${agents[site]}`),
      admin: { address: `127.0.0.1:${adminPort + 1}` },
      control: {
        ...(control as object),
        address: `${this.address(site)}:${linkPort + 1}`,
        controller: false,
      },
      processes: {
        gateway: {
          command: [process.execPath, '--conditions=@budao/source', main, 'gateway', '-c', gateway],
          node: nodes[site],
          output: 'passed',
          restart: { limit: 0 },
        },
      },
    }
    writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
    this.start(site, 'agent', process.execPath, ['--conditions=@budao/source', main, 'agent', '-c', file])
  }

  #startEtcd(place: Place, program: string): void {
    const own = `http://${this.address(place)}`
    const cluster = (['east', 'west', 'witness'] as const).map(
      (each) => `${each}=http://${this.address(each)}:2380`,
    )
    this.start(place, 'etcd', program, [
      ...['--name', place, '--data-dir', join(this.folder, `etcd-${place}`)],
      ...['--listen-client-urls', `${own}:2379`, '--advertise-client-urls', `${own}:2379`],
      ...['--listen-peer-urls', `${own}:2380`, '--initial-advertise-peer-urls', `${own}:2380`],
      ...['--initial-cluster', cluster.join(','), '--initial-cluster-state', 'new', '--log-level', 'error'],
    ])
  }

  /** As a user would write it, with shorter times between failovers, so that they can be repeated. */
  #config(place: Place): Readonly<Record<string, object | string | number>> {
    const { detection, fence, etcd, agents: hasAgents = false, replicates = false } = this.#options
    const store =
      etcd === undefined
        ? { type: 'sqlite', path: join(this.folder, 'coordination.db') }
        : {
            type: 'etcd',
            endpoints: (['east', 'west', 'witness'] as const).map(
              (each) => `http://${this.address(each)}:2379`,
            ),
          }
    const peers = Object.fromEntries(
      (['east', 'west', 'witness'] as const).map((each) => [
        nodes[each],
        {
          address: `${this.address(each)}:${linkPort}`,
          ...(each === 'witness'
            ? { witness: true }
            : { site: each, traffic: `${this.address(each)}:${gatewayPort}` }),
        },
      ]),
    )
    const agentPeers = Object.fromEntries(
      trialSites.map((site) => [agents[site], { address: `${this.address(site)}:${linkPort + 1}`, site }]),
    )
    return {
      version: 1,
      node: { name: nodes[place], ...(place === 'witness' ? {} : { site: place }) },
      dataDir: this.dataDir(place),
      sites: { east: {}, west: {} },
      admin: { address: `127.0.0.1:${adminPort}` },
      ...(place === 'witness'
        ? {}
        : { listeners: [{ name: 'web', address: `0.0.0.0:${gatewayPort}`, protocol: 'http' }] }),
      control: {
        address: `${this.address(place)}:${linkPort}`,
        token: { file: join(this.folder, 'secret') },
        controller: true,
        ...(place === 'witness' ? { witness: true } : {}),
        ...{ store, peers: { ...peers, ...(hasAgents ? agentPeers : {}) } },
      },
      services: {
        shop: {
          mode: 'active-standby',
          endpoints: trialSites.map((site) => ({ address: `${this.address(site)}:${backendPort}`, site })),
          healthCheck: { type: 'http', path: '/healthz', interval: '1s', timeout: '500ms' },
          detection: { mode: detection, stable: '2s' },
          failover: { fence, every: '0s' },
          ...(replicates && place !== 'witness'
            ? { data: { hook: `http://${this.address(place)}:${backendPort}/_data` } }
            : {}),
        },
      },
      routes: [{ name: 'shop', backends: [{ service: 'shop' }] }],
    }
  }
}

/** Somebody holds it, nothing is under way, and any site could take it. */
export function isWell({ lease, run, verdicts, owner }: UnitReport): boolean {
  return (
    lease === 'held' &&
    owner !== null &&
    (run === null || run.outcome !== null) &&
    verdicts.length === trialSites.length &&
    verdicts.every(({ state }) => state === 'up')
  )
}
