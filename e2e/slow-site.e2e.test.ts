import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { Agent, get } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { areWell, patienceMs, World } from './failover-world.ts'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const detection = { stable: '2s', slow: { hold: '1s', factor: 3, atLeast: '50ms', weightPercent: 10 } }

test('a site that answers ten times slower loses weight at every gateway, keeps its writes, and gets the weight back', async (t) => {
  const world = await World.start(t, {}, false, {
    shop: { mode: 'multi-active', detection },
    // Nothing of it is moved: it is watched all the same.
    feed: { mode: 'active-active', healthCheck: { type: 'http', path: '/' }, detection },
  })
  for (const relay of Object.values(world.relays)) relay.set({ kind: 'delay', ms: 20 })
  // Of the part that is east’s, whichever site was there first has it.
  const { owner: one, epoch } = await world.until('third', 'a site has it', ({ lease }) => lease === 'held')
  const two = one === 'east' ? 'west' : 'east'
  await world.until('third', 'both sites are well', areWell)
  const people = new People(t, world)
  await people.until(one, 'both sites get their part', (share) => share > 0.4 && share < 0.6)
  await pause(1_500)

  world.relays[one]!.set({ kind: 'delay', ms: 250 })
  const slow = await world.until('third', `${one} is degraded`, (unit) => stateOf(unit, one) === 'degraded')
  assert.equal(stateOf(slow, two), 'up')
  await people.until(one, 'it gets a tenth', (share) => share < 0.2)
  assert.ok(people.answers[one]! > 0, 'never to zero')
  // Nothing moves, and it goes on writing what is its own.
  assert.deepEqual([slow.owner, slow.epoch], [one, epoch])
  assert.equal(await world.write(two, 'still there', patienceMs), 200)
  assert.deepEqual(world.seen.at(-1), { site: one, epoch, body: 'still there' })

  const why = await status(world, ['--why', 'feed'])
  assert.match(why, /feed is watched, and nothing of it is moved/)
  assert.match(why, new RegExp(`${one} is degraded: it answers, slower than`))
  assert.match(why, /(traffic|probes) \d+ ms, usual \d+ ms/)
  const metrics = await (await fetch(`http://127.0.0.1:${world.ports['third']!.admin}/metrics`)).text()
  assert.ok(metrics.includes(`\nbudao_failover_site_slow{service="feed",site="${one}"} 1\n`))
  assert.ok(metrics.includes(`\nbudao_failover_site_slow{service="feed",site="${two}"} 0\n`))
  assert.match(
    world.processes['third']!.output,
    /"site.slow".+Feed at \w+ is slow: .+ its weight is shed, nothing moves/,
  )

  world.relays[one]!.set({ kind: 'delay', ms: 20 })
  const well = await world.until('third', `${one} is well again`, areWell)
  await people.until(one, 'both sites get their part again', (share) => share > 0.4 && share < 0.6)
  assert.deepEqual([well.owner, well.epoch], [one, epoch])
  assert.match(world.processes['third']!.output, /"site.slow-ended"/)
})

function stateOf(
  { verdicts }: { verdicts: readonly { site: string; state: string }[] },
  site: string,
): string {
  return verdicts.find((verdict) => verdict.site === site)!.state
}

async function status(world: World, args: readonly string[]): Promise<string> {
  const url = `http://127.0.0.1:${world.ports['third']!.admin}`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@budao/source',
    program,
    'status',
    '--url',
    url,
    ...args,
  ]).catch((error: { stdout: string }) => error)
  return stdout
}

/** People who read at both gateways all the time: what part of the last answers is from a site. */
class People {
  answers: Record<string, number> = {}
  #ended = false

  constructor(t: TestContext, world: World) {
    const agent = new Agent({ keepAlive: true })
    t.after(() => {
      this.#ended = true
      agent.destroy()
    })
    for (const site of ['east', 'west'])
      for (let person = 0; person < 4; person++) void this.#read(world.ports[site]!.web, agent)
  }

  /** Of the next two hundred answers. */
  async until(site: string, what: string, holds: (share: number) => boolean): Promise<void> {
    const deadline = performance.now() + patienceMs
    let share = 0
    while (performance.now() < deadline) {
      this.answers = {}
      while (this.#all < 200 && performance.now() < deadline) await pause(10)
      share = (this.answers[site] ?? 0) / this.#all
      if (holds(share)) return
    }
    throw new Error(`never: ${what}; ${share} of the answers are from ${site}`)
  }

  get #all(): number {
    return Object.values(this.answers).reduce((sum, count) => sum + count, 0)
  }

  async #read(port: number, agent: Agent): Promise<void> {
    while (!this.#ended) {
      const site = await new Promise<string>((resolve) => {
        const asked = get({ host: '127.0.0.1', port, path: '/feed', agent }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (part: string) => (body += part))
          response.on('end', () => resolve(body))
          response.on('error', () => resolve(''))
        })
        asked.on('error', () => resolve(''))
      })
      if (site === '') await pause(20)
      else this.answers[site] = (this.answers[site] ?? 0) + 1
    }
  }
}
