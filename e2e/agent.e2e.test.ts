import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BudaoEvent, ProcessReport } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

// A service whose child holds on to nothing of it but its environment: it leaves the group.
const serving = `
  require('node:http').createServer((_, answer) => answer.end(String(process.pid))).listen(Number(process.env.PORT), '127.0.0.1')
  if (process.env.CHILD) require('node:child_process').spawn('sleep', ['1000.5'], { detached: true, stdio: 'ignore' })`

/** An agent of a test’s own, its API, and what it looks after: all ends with the test. */
class Agent {
  readonly #t: TestContext
  readonly #file: string
  process!: TestProcess
  admin = ''

  constructor(t: TestContext, file: string) {
    this.#t = t
    this.#file = file
  }

  async start(): Promise<void> {
    this.process = startNode(this.#t, [program, 'agent', '-c', this.#file])
    const [, admin] = await this.process.waitForOutput(/admin {2}(http:\S+)/)
    await this.process.waitForOutput(/looks after/)
    this.admin = admin!
  }

  async processes(): Promise<Record<string, ProcessReport>> {
    const response = await fetch(`${this.admin}/api/v1/processes`)
    const { processes } = (await response.json()) as { processes: ProcessReport[] }
    return Object.fromEntries(processes.map((each) => [each.name, each]))
  }

  /** The report of a process, once it is as wanted. */
  async until(name: string, wanted: (report: ProcessReport) => boolean): Promise<ProcessReport> {
    const until = performance.now() + 20_000
    for (;;) {
      const report = (await this.processes())[name]!
      if (wanted(report)) return report
      if (performance.now() > until)
        throw new Error(`${name} is ${JSON.stringify(report)}\n${this.process.output}`)
      await sleep(20)
    }
  }

  async kinds(subject: string): Promise<string[]> {
    const response = await fetch(`${this.admin}/api/v1/events?limit=2000`)
    const { events } = (await response.json()) as { events: BudaoEvent[] }
    return events.filter((event) => event.subject === subject).map(({ kind }) => kind)
  }

  async change(name: string, action: string): Promise<number> {
    const { status } = await fetch(`${this.admin}/api/v1/processes/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action, reason: 'a test' }),
    })
    return status
  }
}

/** Living processes that carry that mark in their environment; those that have ended and were not waited for do not count. */
function bearing(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)
      } catch {
        return false
      }
    })
}

const skip = process.platform === 'linux' ? false : 'looks into /proc'

test(
  'an agent restarts, gives up, adopts and kills what hangs, and nothing ever runs twice',
  { skip },
  async (t) => {
    const dir = tempDir(t)
    const mark = `AGENT_TEST=${process.pid}`
    const [shopPort, cartPort] = [await freePort(), await freePort()]
    const file = join(dir, 'agent.yaml')
    const env = (port: number, more = ''): string =>
      `{ PORT: "${port}", AGENT_TEST: "${process.pid}"${more} }`
    const node = `command: [${process.execPath}, -e, ${JSON.stringify(serving)}]`
    writeFileSync(
      file,
      `version: 1
node: { name: agent-east, site: east }
sites: { east: { pidFile: run/east.pids } }
admin: { address: 127.0.0.1:0 }
processes:
  shop:
    ${node}
    env: ${env(shopPort, ', CHILD: "1"')}
    address: 127.0.0.1:${shopPort}
    health: { type: http, interval: 200ms, timeout: 150ms }
  cart: { ${node}, env: ${env(cartPort)}, address: "127.0.0.1:${cartPort}", health: { type: tcp }, after: [shop] }
  loop: { command: [sh, -c, "exit 3"], restart: { min: 1ms, limit: 2 } }
  spare: { command: [sleep, "1000.25"], env: ${env(0)}, standby: true }
`,
    )
    // Whatever goes wrong, nothing of it outlives the test.
    t.after(() => {
      for (const pid of bearing(mark)) process.kill(pid, 'SIGKILL')
    })
    const agent = new Agent(t, file)
    await agent.start()

    // It starts them in order, and not the standby.
    const shop = await agent.until('shop', ({ state }) => state === 'running')
    const cart = await agent.until('cart', ({ state }) => state === 'running')
    assert.equal((await agent.processes())['spare']?.state, 'stopped')
    assert.equal(await (await fetch(`http://127.0.0.1:${shopPort}`)).text(), String(shop.pid))
    const pids = readFileSync(join(dir, 'run', 'east.pids'), 'utf8')
    assert.ok(pids.includes(`${shop.pid} -e\n`) && pids.includes(`${cart.pid} -e\n`), pids)
    assert.equal(bearing(mark).length, 3, 'shop, its child, cart')

    // One that is killed is restarted; its child, in a session of its own, is not left behind.
    process.kill(shop.pid!, 'SIGKILL')
    const second = await agent.until('shop', ({ state, pid }) => state === 'running' && pid !== shop.pid)
    assert.equal(second.lastExit?.signal, 'SIGKILL')
    assert.equal(bearing(mark).length, 3)
    assert.deepEqual(await agent.kinds('shop'), ['process.started', 'process.exited', 'process.restarted'])

    // One that cannot live is given up, with an event, until somebody restarts it.
    await agent.until('loop', ({ state }) => state === 'crash-loop')
    assert.equal((await agent.kinds('loop')).at(-1), 'process.crash-loop')

    // The agent is killed: they run on, it finds them again, and their end is still noticed.
    await agent.process.kill()
    assert.equal(await (await fetch(`http://127.0.0.1:${shopPort}`)).text(), String(second.pid))
    await agent.start()
    const adopted = await agent.until('shop', ({ state }) => state === 'running')
    assert.deepEqual([adopted.pid, adopted.adopted], [second.pid, true])
    assert.equal((await agent.until('cart', ({ state }) => state === 'running')).pid, cart.pid)
    assert.equal((await agent.processes())['loop']?.state, 'crash-loop')
    assert.equal(bearing(mark).length, 3)

    // One that hangs is killed and restarted; it was adopted.
    process.kill(second.pid!, 'SIGSTOP')
    const third = await agent.until('shop', ({ state, pid }) => state === 'running' && pid !== second.pid)
    assert.deepEqual([third.hangs, third.lastExit?.cause, third.adopted], [1, 'hung', false])
    assert.equal(bearing(mark).length, 3)

    // It was killed between the start of a process and the note of its id: it finds it by the name of its start.
    await agent.process.kill()
    const record = join(dir, 'data', 'processes', 'shop.json')
    const written = JSON.parse(readFileSync(record, 'utf8')) as object
    writeFileSync(record, JSON.stringify({ ...written, pid: null, identity: '' }))
    await agent.start()
    assert.equal((await agent.until('shop', ({ state }) => state === 'running')).pid, third.pid)
    assert.equal(bearing(mark).length, 3)

    // A second agent on the same folder would start everything twice.
    const other = startNode(t, [program, 'agent', '-c', file])
    assert.equal(await other.exited(), 1)
    assert.match(other.output, /another agent looks after the processes/)

    // What a person says stands; wrong names are refused.
    assert.equal(await agent.change('spare', 'start'), 200)
    await agent.until('spare', ({ state }) => state === 'running')
    assert.equal(await agent.change('spare', 'stop'), 200)
    await agent.until('spare', ({ state }) => state === 'stopped')
    assert.equal(await agent.change('sparse', 'start'), 404)

    // It ends with all it looked after.
    assert.equal(await agent.process.stop(), 0, agent.process.output)
    assert.deepEqual(bearing(mark), [])
  },
)
