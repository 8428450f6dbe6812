import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type Cleanup,
  makeNetwork,
  rootFolder,
  type TestHost,
  TestKeepalived,
  type TestProcess,
} from '@budao/testkit'
import { parseConfig } from '@budao/model/parser'
import { checkProgram } from '../packages/budao/src/virtual-ip/providers/check-program.ts'
import { keepalivedConf } from '../packages/budao/src/virtual-ip/providers/keepalived-conf.ts'
import { type HandWritten, handWritten } from './election-confs.ts'

const main = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const shared = '10.77.0.100'
const startMsMax = 90_000
/** Longer than any of them takes, were it to take place. */
const neverMs = 12_000

/** What fails at the first of two nodes. */
export type TrialFault = 'script' | 'gateway' | 'hang' | 'keepalived'

export interface TrialPlan {
  readonly program: string
  readonly fault: TrialFault
  /** Absent: files that Budao renders, with its gateways. */
  readonly hand?: HandWritten
  /** Of rendered files: with a watch beside the gateway. */
  readonly watch?: boolean
}

/** What one trial showed. */
export interface TrialResult {
  /** From the fault to the address at the second node; null: never. */
  readonly ms: number | null
  /** Whether the first one still had it then. */
  readonly onBoth: boolean
}

/** Two nodes in a network of their own: settled, then one fault, then the time until the address has moved. */
export class FailoverTrial {
  readonly #t: Cleanup
  readonly #plan: TrialPlan
  readonly #folder: string
  readonly #a: TestHost
  readonly #b: TestHost
  #keepalived: TestKeepalived | undefined
  #gateway: TestProcess | undefined

  constructor(t: Cleanup, plan: TrialPlan) {
    const { a, b } = makeNetwork(t, ['a', 'b'])
    this.#t = t
    this.#plan = plan
    this.#folder = rootFolder(t)
    this.#a = a
    this.#b = b
  }

  /** Resolves when the first node has the address and the second could take it. */
  async settle(): Promise<void> {
    const { hand, watch = false } = this.#plan
    if (hand === undefined) {
      this.#gateway = this.#gatewayOn(this.#a, 'gw-1')
      this.#gatewayOn(this.#b, 'gw-2')
      if (watch) this.#budao(this.#a, ['keepalived', 'watch', '-c', 'gw-1.yaml'])
    }
    this.#keepalived = this.#keepalivedOn(this.#a, 'gw-1')
    await until(
      () => this.#a.addresses().includes(shared),
      () => this.#keepalived!.process.output,
    )
    const second = this.#keepalivedOn(this.#b, 'gw-2')
    await until(
      () => second.entered('BACKUP') > 0,
      () => second.process.output,
    )
  }

  async run(): Promise<TrialResult> {
    const monitor = this.#b.start(this.#t, 'ip', ['-o', 'monitor', 'address'])
    await sleep(500)
    const startedAt = performance.now()
    await this.#fail()
    const came = monitor.waitForOutput(/^(?!Deleted).*10\.77\.0\.100/m, neverMs).then(
      () => performance.now() - startedAt,
      () => null,
    )
    const ms = await came
    // The old holder gives it up when it hears of the new one: a moment for that.
    await sleep(300)
    return { ms, onBoth: ms !== null && this.#a.addresses().includes(shared) }
  }

  async #fail(): Promise<void> {
    const { fault } = this.#plan
    if (fault === 'script') writeFileSync(join(this.#folder, 'fail-gw-1'), '')
    else if (fault === 'gateway') await this.#gateway!.kill()
    else if (fault === 'hang') process.kill(this.#gateway!.pid, 'SIGSTOP')
    else await this.#keepalived!.kill()
  }

  #keepalivedOn(host: TestHost, name: string): TestKeepalived {
    const { hand, program } = this.#plan
    const conf = join(this.#folder, `${name}.conf`)
    if (hand !== undefined) {
      const node = { first: name === 'gw-1', failFile: join(this.#folder, `fail-${name}`), address: shared }
      writeFileSync(conf, handWritten(hand, node))
    }
    if (!existsSync(conf)) throw new Error(`${conf} is missing`)
    return new TestKeepalived(this.#t, host, program, conf)
  }

  #gatewayOn(host: TestHost, name: string): TestProcess {
    const program = join(this.#folder, 'ready')
    const watch = this.#plan.watch === true ? `\n    watch: { file: ${this.#folder}/watch-${name} }` : ''
    const text = `version: 1
node: { name: ${name}, site: east }
sites: { east: {} }
dataDir: ${this.#folder}/data-${name}
admin: { address: '127.0.0.1:9900' }
listeners: [{ name: web, address: '0.0.0.0:80', protocol: http }]
routes: [{ name: who, respond: { body: 'I am ${name}' } }]
virtualIp:
  keepalived:
    interface: eth0
    addresses: [${shared}/24]
    routerId: 51
    nodes: { gw-1: { address: 10.77.0.1 }, gw-2: { address: 10.77.0.2 } }
    check: { program: ${program}, url: 'http://127.0.0.1/' }${watch}
`
    const parsed = parseConfig(text, name)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    writeFileSync(join(this.#folder, `${name}.yaml`), text)
    writeFileSync(program, checkProgram(parsed.config), { mode: 0o755 })
    const conf = keepalivedConf(parsed.config.virtualIp!.keepalived, name, 'budao.yaml')
    writeFileSync(join(this.#folder, `${name}.conf`), conf)
    return this.#budao(host, ['gateway', '-c', `${name}.yaml`])
  }

  #budao(host: TestHost, args: readonly string[]): TestProcess {
    return host.start(this.#t, process.execPath, ['--conditions=@budao/source', main, ...args], this.#folder)
  }
}

async function until(holds: () => boolean, evidence: () => string): Promise<void> {
  const deadline = performance.now() + startMsMax
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not settled within ${startMsMax} ms:\n${evidence()}`)
    await sleep(100)
  }
}
