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
const sites = ['east', 'west'] as const
type Site = (typeof sites)[number]

test(
  'a site is killed under orders: each that was acknowledged is at the other site, once; its users belong to the other, in a later epoch; it comes back, and both are equal',
  { timeout: 240_000 },
  async (t) => {
    const demo = await Demo.start(t)
    // An error burst is one message, in the mailbox and by the robot.
    await demo.failPayments()
    const payments = async (): Promise<Told[]> =>
      (await demo.messages()).filter(({ title }) => title === '[FIRING] P1 payments_fail')
    await until('both were told', async () => (await payments()).length >= 2)

    // A user with an even number belongs to the unit of east. Whichever gateway is asked, its owner writes, in its epoch.
    const [even, odd] = ['4000', '4001']
    const before = [await demo.putCart('west', even, 1), await demo.putCart('east', odd, 1)]
    assert.deepEqual(
      before.map(({ status, unit }) => [status, unit]),
      [
        [200, 'shop/east'],
        [200, 'shop/west'],
      ],
    )
    const units = await demo.units('west')
    for (const [index, user] of [even, odd].entries()) {
      const { unit, epoch } = before[index]!
      const { owner: origin } = units.find((each) => each.unit === unit)!
      for (const site of sites) assert.deepEqual(demo.cart(site, user), { origin, epoch })
    }
    // Past the gateways the site that does not own a row is refused.
    const astray = { id: 'astray', op: 'update', table: 'carts', payload: { user: even, lines: '[]' } }
    assert.deepEqual(await demo.publish('west', astray), [409, 'not-owner'])

    // Mostly east; on a machine that does much else its work may have moved before.
    const gone = units.find(({ unit }) => unit === 'shop/east')!.owner as Site
    const left = gone === 'east' ? 'west' : 'east'
    const orders = new Orders(Object.values(demo.gateways))
    t.after(() => orders.stop())
    orders.begin(6)
    await until('orders at both sites', () => orders.acknowledged.length >= 40)
    // A machine that stood still for half a second may have gone on without the other site, which it announces.
    await until('each order is at both sites', async () =>
      (await demo.units(left)).every(({ inSync }) => inSync.length === 1),
    )
    demo.kill(gone)
    const acknowledged = orders.acknowledged.length
    await until('orders after the kill', () => orders.acknowledged.length >= acknowledged + 60)
    await orders.stop()
    // Its unit is the other's now, in a later epoch, and the rows with it. Nothing of the epoch before is taken any more.
    const after = await demo.putCart(left, even, 2)
    assert.deepEqual([after.status, after.unit], [200, 'shop/east'])
    assert.ok(after.epoch > before[0]!.epoch, `${after.epoch} after ${before[0]!.epoch}`)
    assert.deepEqual(demo.cart(left, even), { origin: left, epoch: after.epoch })
    const late = { ...astray, id: 'late', unit: 'shop/east', epoch: before[0]!.epoch }
    assert.deepEqual(await demo.publish(left, late), [409, 'fenced'])

    const there = demo.orders(left)
    for (const { user, id } of orders.acknowledged) {
      const found = there.filter((row) => row.user === user)
      assert.deepEqual(
        found.map((row) => row.id),
        [id],
        `the order of ${user}`,
      )
    }
    let seen: UnitReport | undefined
    await until(
      'the failover says what it lost',
      async () => {
        const [unit] = (await demo.units(left)).filter((each) => each.unit === 'shop/east')
        seen = unit
        return unit?.owner === left && unit.run?.outcome === 'done' && unit.run.lossMs === 0
      },
      () => seen,
    )

    await until(`${gone} is back and has everything`, async () => {
      const [survivor, back] = await Promise.all([demo.report(left), demo.report(gone)])
      const [peer] = survivor?.peers ?? []
      return back?.alarms.length === 0 && peer?.rpoMs === 0 && !peer.degraded && survivor!.alarms.length === 0
    })
    assert.deepEqual(demo.orders('east'), demo.orders('west'))
    assert.deepEqual(demo.cart(gone, even), demo.cart(left, even))
    const told = await payments()
    assert.deepEqual(told.map(({ by }) => by).toSorted(), ['mail', 'robot'])
    // It fires with the 101st of 120 lines; a controller that hears of it from another one may know that number only.
    for (const { text } of told)
      assert.match(text, /\b(10[1-9]|11\d|120) payments failed within a minute: bank-timeout/)
    // The loss of a site is told too, in a handful of messages.
    const others = (await demo.messages()).filter(({ title }) => !title.includes('payments_fail'))
    assert.ok(others.some(({ title }) => /FIRING.* P1 .*BudaoFailover/.test(title)))
    assert.ok(others.length <= 12, others.map(({ title }) => title).join('\n'))
    for (const site of sites) assert.deepEqual((await demo.report(site))!.ended, [])
  },
)

/** What the demo shows of a message. */
interface Told {
  readonly by: string
  readonly title: string
  readonly text: string
}

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

/** `npm start` on free ports; what dies starts again when its lease has ended: a site that is back sooner may go on in its epoch. */
class Demo {
  readonly #data: string
  readonly gateways: Readonly<Record<Site, string>>
  readonly #admins: Readonly<Record<Site, string>>
  readonly #inbox: string
  readonly #errors: string

  private constructor(data: string, output: string) {
    this.#data = data
    const bySite = ([east, west]: readonly string[]): Record<Site, string> => ({ east: east!, west: west! })
    this.gateways = bySite([...output.matchAll(/(http:\S+) +in front of/g)].map(([, url]) => url!))
    this.#admins = bySite(/console +(http:[^\s,]+) \(east\), (http:\S+) \(west\)/.exec(output)!.slice(1))
    this.#inbox = /alerts +(http:\S+)/.exec(output)![1]!
    this.#errors = /curl -X POST (http:\S+)/.exec(output)![1]!
  }

  static async start(t: TestContext): Promise<Demo> {
    const data = tempDir(t)
    const args = ['--port-base', 'auto', '--data', data, '--phones', '0', '--restart-after', '6']
    const process = startNode(t, [script, ...args])
    t.after(() => process.stop())
    await process.waitForOutput(/Ctrl-C ends it all/, start)
    return new Demo(data, process.output)
  }

  /** As the screen says. */
  async failPayments(): Promise<void> {
    await fetch(this.#errors, { method: 'POST' })
  }

  async messages(): Promise<Told[]> {
    return (await (await fetch(`${this.#inbox}/messages`)).json()) as Told[]
  }

  /** SIGKILL to every process of the site. */
  kill(site: string): void {
    const lines = readFileSync(join(this.#data, 'run', `${site}.pids`), 'utf8')
      .trim()
      .split('\n')
    // East has the next release too.
    assert.equal(lines.length, site === 'east' ? 4 : 3)
    for (const line of lines) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  }

  /** All orders in a site's database. */
  orders(site: string): { readonly user: string; readonly id: string }[] {
    using db = new DatabaseSync(join(this.#data, `shop-${site}.db`), { readOnly: true, timeout: 2_000 })
    const rows = db.prepare('SELECT * FROM orders ORDER BY user, key').all()
    return rows.map((row) => ({ ...row })) as unknown as { user: string; id: string }[]
  }

  /** A cart with so many of one thing, by one of the gateways; and in which right it was written. */
  async putCart(
    gateway: Site,
    user: string,
    quantity: number,
  ): Promise<{ readonly status: number; readonly unit: string | null; readonly epoch: number }> {
    const response = await fetch(`${this.gateways[gateway]}/api/cart`, {
      method: 'PUT',
      headers: { 'X-User': user, 'X-Budao-Echo': 'epoch' },
      body: JSON.stringify({ items: [{ productId: 1, quantity }] }),
    })
    await response.arrayBuffer()
    const { status, headers } = response
    return { status, unit: headers.get('x-budao-unit'), epoch: Number(headers.get('x-budao-epoch')) }
  }

  /** Who wrote the cart that stands at a site, and in which epoch. */
  cart(site: string, user: string): { readonly origin: string; readonly epoch: number } {
    using db = new DatabaseSync(join(this.#data, `shop-${site}.db`), { readOnly: true, timeout: 2_000 })
    const row = db.prepare(`SELECT version FROM budao_rows WHERE tbl = 'carts' AND key = ?`).get(user)
    const { stamp, epoch } = JSON.parse(String(row!['version'])) as {
      stamp: { origin: string }
      epoch: number
    }
    return { origin: stamp.origin, epoch }
  }

  /** Publishes a change at a site’s replicator: status and code of the answer. */
  async publish(site: string, event: object): Promise<[status: number, code: string]> {
    const answer = await fetch(`http://${this.#replicator(site)}/v1/events`, {
      method: 'POST',
      body: JSON.stringify(event),
    })
    return [answer.status, ((await answer.json()) as { readonly code: string }).code]
  }

  /** As the gateway of a site sees them. */
  async units(site: Site): Promise<readonly UnitReport[]> {
    const answer = await fetch(`${this.#admins[site]}/api/v1/failover`)
    return ((await answer.json()) as { units: UnitReport[] }).units
  }

  /** Null while it does not answer. */
  async report(site: string): Promise<ReplicatorReport | null> {
    const answer = await fetch(`http://${this.#replicator(site)}/v1/status`).catch(() => null)
    return answer === null ? null : ((await answer.json()) as ReplicatorReport)
  }

  #replicator(site: string): string {
    const file = readFileSync(join(this.#data, 'run', `${site}-data.yaml`), 'utf8')
    return /listen: (\S+)/.exec(file)![1]!
  }
}

async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seen: () => unknown = () => '',
): Promise<void> {
  const end = performance.now() + start
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within ${start / 1000} s: ${what} ${JSON.stringify(seen())}`)
    await sleep(50)
  }
}
