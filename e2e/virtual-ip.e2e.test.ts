// Two gateways and the real keepalived, each node in a network namespace of its own.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Config } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import {
  networkOf,
  requireDebian,
  rootFolder,
  type TestHost,
  TestKeepalived,
  type TestProcess,
} from '@budao/testkit'
import { checkProgram } from '../packages/budao/src/virtual-ip/providers/check-program.ts'
import { keepalivedConf } from '../packages/budao/src/virtual-ip/providers/keepalived-conf.ts'

const main = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const shared = '10.77.0.100'
/** A bound, not an expectation: on a machine that others use too a gateway may take ten seconds to start. */
const waitMsMax = 60_000

function yamlOf(node: string, folder: string, more = ''): string {
  return `version: 1
node: { name: ${node}, site: east }
sites: { east: {} }
dataDir: ${folder}/data-${node}
admin: { address: '127.0.0.1:9900' }
listeners: [{ name: web, address: '0.0.0.0:80', protocol: http }]
routes: [{ name: who, respond: { body: 'I am ${node}' } }]
virtualIp:
  keepalived:
    interface: eth0
    addresses: [${shared}/24]
    routerId: 51
    nodes: { gw-1: { address: 10.77.0.1 }, gw-2: { address: 10.77.0.2 } }
${more}`
}

function parse(text: string): Config {
  const parsed = parseConfig(text, 'budao.yaml')
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}

/** One gateway with keepalived beside it. */
class Node {
  readonly #t: TestContext
  readonly #folder: string
  readonly #program: string
  readonly host: TestHost
  readonly name: string
  gateway: TestProcess
  keepalived!: TestKeepalived

  constructor(t: TestContext, folder: string, program: string, host: TestHost, name: string) {
    this.#t = t
    this.#folder = folder
    this.#program = program
    this.host = host
    this.name = name
    const more = `    advertInterval: 100ms
    handover: 6s
    check: { program: ${folder}/ready, url: 'http://127.0.0.1/' }
    watch: { file: ${folder}/watch-${name} }
`
    const text = yamlOf(name, folder, more)
    const config = parse(text)
    writeFileSync(join(folder, `${name}.yaml`), text)
    writeFileSync(join(folder, 'ready'), checkProgram(config), { mode: 0o755 })
    writeFileSync(
      join(folder, `${name}.conf`),
      keepalivedConf(config.virtualIp!.keepalived, name, 'budao.yaml'),
    )
    this.gateway = this.startGateway()
  }

  startWatch(): void {
    this.run(['keepalived', 'watch', '-c', `${this.name}.yaml`])
  }

  startGateway(): TestProcess {
    return (this.gateway = this.run(['gateway', '-c', `${this.name}.yaml`]))
  }

  startKeepalived(): TestKeepalived {
    return (this.keepalived = new TestKeepalived(
      this.#t,
      this.host,
      this.#program,
      join(this.#folder, `${this.name}.conf`),
    ))
  }

  run(args: readonly string[]): TestProcess {
    return this.host.start(
      this.#t,
      process.execPath,
      ['--conditions=@budao/source', main, ...args],
      this.#folder,
    )
  }

  get hasAddress(): boolean {
    return this.host.addresses().includes(shared)
  }
}

test('the address follows the gateway that serves', async (t) => {
  const program = await requireDebian(t, 'keepalived')
  if (program === undefined) return
  const network = await networkOf(t, ['a', 'b', 'phone'])
  if (network === undefined) return
  const folder = rootFolder(t)
  const a = new Node(t, folder, program, network.a, 'gw-1')
  const b = new Node(t, folder, program, network.b, 'gw-2')
  const answers = (name: string): Promise<void> =>
    until(`${name} answers`, () => ask(network.phone) === `I am ${name}`)
  const nodes = (): string => `${a.keepalived.process.output}\n${b.keepalived?.process.output}`
  const until = (what: string, holds: () => boolean): Promise<void> => eventually(what, holds, nodes)

  // Of two that never preempt the first one gets it. The other one has no watch: its check has to do.
  a.startKeepalived()
  a.startWatch()
  await until('one node alone has the address', () => a.hasAddress)
  b.startKeepalived()
  await until('the other one may have it', () => b.keepalived.entered('BACKUP') > 0)
  await answers('gw-1')

  await a.gateway.kill()
  await until('a killed gateway loses it', () => b.hasAddress && !a.hasAddress)
  await answers('gw-2')

  a.startGateway()
  await until('a gateway that is back may have it', () => a.keepalived.entered('BACKUP') > 1)
  assert.ok(b.hasAddress && !a.hasAddress, 'and does not take it')

  await b.keepalived.kill()
  await until('a killed keepalived leaves it behind', () => a.hasAddress && b.hasAddress)
  b.startKeepalived()
  await until('and takes it away when it is started again', () => a.hasAddress && !b.hasAddress)
  await answers('gw-1')

  await until('the other one may have it again', () => b.keepalived.entered('BACKUP') > 0)
  const caller = network.phone.start(t, 'bash', ['-c', callerLoop])
  await until('somebody calls', () => caller.output.includes('200'))
  a.gateway.child.kill('SIGTERM')
  await until('a gateway that ends hands it over', () => b.hasAddress && !a.hasAddress)
  assert.equal(await a.gateway.exited(), 0)
  await answers('gw-2')
  await caller.kill()
  const calls = caller.output.trim().split('\n')
  const failed = calls.filter((status) => status !== '200').length
  // The one that was under way when the address left may have lost its connection.
  assert.ok(failed <= 1, `${failed} of ${calls.length} failed`)
})

test('keepalived accepts what is rendered without a word', async (t) => {
  const program = await requireDebian(t, 'keepalived')
  if (program === undefined) return
  const network = await networkOf(t, ['a'])
  if (network === undefined) return
  const folder = rootFolder(t)
  const program0 = join(folder, 'ready')
  const table = [
    `    check: { program: ${program0} }`,
    `    version: 2\n    password: s3cret\n    advertInterval: 3s\n    check: { program: ${program0}, interval: 2s, fall: 5 }`,
    `    preempt: true\n    preemptDelay: 90s\n    advertInterval: 10ms\n    check: { program: ${program0}, weight: -20 }\n    watch: { file: ${folder}/watch }`,
    `    preempt: true\n    check: { program: ${program0} --fast, weight: 30 }\n    notify: /bin/true\n    watch: { file: ${folder}/watch }`,
  ]
  for (const more of table) {
    const config = parse(yamlOf('gw-1', folder, more))
    writeFileSync(program0, checkProgram(config), { mode: 0o755 })
    const conf = join(folder, 'k.conf')
    writeFileSync(conf, keepalivedConf(config.virtualIp!.keepalived, 'gw-1', 'budao.yaml'))
    const tried = network.a.start(t, program, ['-t', '-f', conf])
    const code = await tried.exited()
    assert.equal(tried.output, '', more)
    // 2.2.7 ends itself by SIGTERM after a good file with a script in it; a bad one is 1, 4 or 5.
    assert.ok([0, 143].includes(code), `${code}`)
  }
})

/** Calls again and again, each time by a new connection, and prints the status; a dash where there is none within 5 s. */
const callerLoop = `while :; do
  status=-
  if { exec 3<>/dev/tcp/${shared}/80; } 2>/dev/null; then
    printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3
    read -r -t 5 _ status _ <&3
    exec 3<&-
  fi
  echo "\${status:--}"
  sleep 0.02
done`

/** What is answered at the shared address; empty when nobody is there. */
function ask(phone: TestHost): string {
  const request = `exec 3<>/dev/tcp/${shared}/80 && printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3 && tail -n 1 <&3`
  return phone
    .run('bash', ['-c', `timeout 1 bash -c "${request.replaceAll('"', '\\"')}" 2>/dev/null || true`])
    .trim()
}

async function eventually(what: string, holds: () => boolean, evidence: () => string): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!holds()) {
    if (performance.now() > deadline) assert.fail(`not within ${waitMsMax} ms: ${what}\n${evidence()}`)
    await sleep(50)
  }
}
