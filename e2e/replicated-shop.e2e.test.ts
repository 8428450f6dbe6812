import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ReplicatorReport, UnitReport } from '@budao/model'
import { startNode, tempDir } from '@budao/testkit'

const script = fileURLToPath(new URL('../examples/shop/start.ts', import.meta.url))
const start = 90_000

test(
  'a site is killed under orders: each that was acknowledged is at the other site, once; it comes back, and both are equal',
  { timeout: 240_000 },
  async (t) => {
    const demo = await Demo.start(t)
    const orders = new Orders(demo.gateways)
    t.after(() => orders.stop())
    orders.begin(6)
    await until('orders at both sites', () => orders.acknowledged.length >= 40)
    demo.kill('east')
    const before = orders.acknowledged.length
    await until('orders after the kill', () => orders.acknowledged.length >= before + 60)
    await orders.stop()

    const west = demo.orders('west')
    for (const { user, id } of orders.acknowledged) {
      const found = west.filter((row) => row.user === user)
      assert.deepEqual(
        found.map((row) => row.id),
        [id],
        `the order of ${user}`,
      )
    }
    await until('the failover says what it lost', async () => {
      const [unit] = (await demo.units()).filter((each) => each.unit === 'shop/east')
      return unit?.owner === 'west' && unit.run?.outcome === 'done' && unit.run.lossMs === 0
    })

    await until('east is back and has everything', async () => {
      const [there, here] = await Promise.all([demo.report('west'), demo.report('east')])
      const [peer] = there?.peers ?? []
      return here?.alarms.length === 0 && peer?.rpoMs === 0 && !peer.degraded && there!.alarms.length === 0
    })
    assert.deepEqual(demo.orders('east'), demo.orders('west'))
    for (const site of ['east', 'west'] as const) assert.deepEqual((await demo.report(site))!.ended, [])
  },
)

interface Acknowledged {
  readonly user: string
  readonly id: string
}

/** Customers who order one thing each, and repeat what was not acknowledged under the same key, at either gateway. */
class Orders {
  readonly acknowledged: Acknowledged[] = []
  readonly #gateways: readonly string[]
  #customers: Promise<void>[] = []
  #ended = false

  constructor(gateways: readonly string[]) {
    this.#gateways = gateways
  }

  begin(customers: number): void {
    this.#customers = Array.from({ length: customers }, (_, index) => this.#shop(index))
  }

  /** Every order under way is tried until it is acknowledged. */
  async stop(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#customers)
  }

  async #shop(customer: number): Promise<void> {
    for (let n = 0; !this.#ended; n++) {
      const user = `customer-${customer}-${n}`
      for (let attempt = 0; !(await this.#order(user, customer + attempt)); attempt++) {
        assert.ok(attempt < 600, `${user} is never answered`)
        await sleep(50)
      }
      await sleep(10)
    }
  }

  async #order(user: string, at: number): Promise<boolean> {
    try {
      const response = await fetch(`${this.#gateways[at % this.#gateways.length]}/api/orders`, {
        method: 'POST',
        headers: { 'X-User': user, 'Idempotency-Key': user },
        body: '{"items":[{"productId":29,"quantity":1}]}',
        signal: AbortSignal.timeout(5_000),
      })
      const { data } = (await response.json()) as { readonly data?: { readonly id: string } }
      if (!response.ok) return false
      this.acknowledged.push({ user, id: data!.id })
      return true
    } catch {
      return false
    }
  }
}

/** `npm start` on free ports; what dies starts again after two seconds. */
class Demo {
  readonly #data: string
  readonly gateways: readonly string[]
  readonly #admin: string

  private constructor(data: string, gateways: readonly string[], admin: string) {
    this.#data = data
    this.gateways = gateways
    this.#admin = admin
  }

  static async start(t: TestContext): Promise<Demo> {
    const data = tempDir(t)
    const args = ['--port-base', 'auto', '--data', data, '--phones', '0', '--restart-after', '2']
    const process = startNode(t, [script, ...args])
    t.after(() => process.stop())
    await process.waitForOutput(/Ctrl-C ends it all/, start)
    const gateways = [...process.output.matchAll(/(http:\S+) +in front of/g)].map(([, url]) => url!)
    const [, admin] = /console +(http:[^\s,]+) \(east\), (http:\S+) \(west\)/.exec(process.output)!.slice(1)
    return new Demo(data, gateways, admin!)
  }

  /** SIGKILL to every process of the site. */
  kill(site: string): void {
    const lines = readFileSync(join(this.#data, 'run', `${site}.pids`), 'utf8')
      .trim()
      .split('\n')
    assert.equal(lines.length, 3)
    for (const line of lines) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  }

  /** All orders in a site's database. */
  orders(site: string): { readonly user: string; readonly id: string }[] {
    using db = new DatabaseSync(join(this.#data, `shop-${site}.db`), { readOnly: true, timeout: 2_000 })
    const rows = db.prepare('SELECT * FROM orders ORDER BY user, key').all()
    return rows.map((row) => ({ ...row })) as unknown as { user: string; id: string }[]
  }

  async units(): Promise<readonly UnitReport[]> {
    const answer = await fetch(`${this.#admin}/api/v1/failover`)
    return ((await answer.json()) as { units: UnitReport[] }).units
  }

  /** Null while it does not answer. */
  async report(site: string): Promise<ReplicatorReport | null> {
    const file = readFileSync(join(this.#data, 'run', `${site}-data.yaml`), 'utf8')
    const [, address] = /listen: (\S+)/.exec(file)!
    const answer = await fetch(`http://${address}/v1/status`).catch(() => null)
    return answer === null ? null : ((await answer.json()) as ReplicatorReport)
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + start
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within ${start / 1000} s: ${what}`)
    await sleep(50)
  }
}
