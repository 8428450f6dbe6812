import type { Script } from 'node:vm'
import { Judgement, type Scenario } from './scenario.ts'
import { World, type Handset } from './world.ts'

interface Part {
  readonly seed: number
  readonly accepted: number
  readonly kills: number
  readonly requests: number
  /** What went wrong, and the story that led to it. */
  readonly problems: readonly string[]
}

interface Write {
  readonly user: string
  readonly entity: string
  readonly n: number
  accepted: boolean
}

const STEPS = 30
const users = ['', 'ann', 'ben'] as const
const entities = ['cart', 'address', 'order'] as const
const conditions = ['up', 'up', 'silent', 'refused', 'reset', 'failing', 'unresolved', 'certificate'] as const
const networks = ['wifi', '4g', 'none'] as const

/** One life of a phone, drawn: writes are queued while it is killed, hidden, cut off, and changes hands; then everything is well again. */
class Life {
  readonly #world: World
  readonly #handset: Handset
  readonly #writes: Write[] = []
  readonly #story: string[] = []
  #user = ''
  #kills = 0

  constructor(seed: number, program: Script) {
    this.#world = new World(seed, program)
    const { draws } = this.#world
    this.#handset = this.#world.handset(
      {
        success: draws.pick([1, 0.9, 0.64, 0.4]),
        truncated: draws.pick([0, 0.1]),
        nativeRetry: draws.pick([0, 0.5]),
        packetLoss: draws.pick([0, 0.1]),
      },
      { promises: draws.chance(0.2) ? 'macrotask' : 'native' },
    )
    this.#handset.phone.storage.latencyMs = draws.pick([1, 8, 60])
    this.#begin()
  }

  async live(seed: number): Promise<Part> {
    const { draws, time } = this.#world
    for (let n = 1; n <= STEPS; n++) {
      this.#step(n)
      await time.advance(draws.chance(0.3) ? 0 : draws.integer(1, draws.pick([10, 500, 8_000])))
    }
    await this.#recover()
    const problems = this.#problems()
    return {
      seed,
      accepted: this.#writes.filter(({ accepted }) => accepted).length,
      kills: this.#kills,
      requests: this.#handset.phone.requests,
      problems: problems.length === 0 ? [] : [...problems, ...this.#story.map((line) => `  ${line}`)],
    }
  }

  #step(n: number): void {
    const { draws, primary, backup } = this.#world
    const { phone, link } = this.#handset
    switch (draws.integer(0, 15)) {
      case 0:
      case 1:
        return this.#restart()
      case 2: {
        const server = draws.pick([primary, backup])
        server.condition = draws.pick(conditions)
        return this.#tell(`${server.origin} is ${server.condition}`)
      }
      case 3: {
        const network = draws.pick(networks)
        phone.setNetwork(network)
        return this.#tell(`network ${network}`)
      }
      case 4:
        phone.hide()
        return this.#tell('hidden')
      case 5:
        phone.show()
        return this.#tell('shown')
      case 6:
        this.#user = draws.pick(users)
        this.#handset.app.setUser(this.#user)
        return this.#tell(`user ${this.#user || 'nobody'}`)
      case 7: {
        const ms = draws.pick([-3_600_000, 3_600_000, 86_400_000])
        phone.turnClock(ms)
        return this.#tell(`clock turned by ${ms} ms`)
      }
      case 8: {
        link.quality.portal = draws.chance(0.5) ? '<html>Log in</html>' : undefined
        phone.storage.fails = draws.chance(0.3) ? () => draws.chance(0.2) : () => false
        return this.#tell(`portal ${link.quality.portal !== undefined}, storage changes`)
      }
      default:
        return this.#write(n)
    }
  }

  #write(n: number): void {
    const write = { user: this.#user, entity: this.#world.draws.pick(entities), n, accepted: false }
    this.#writes.push(write)
    this.#tell(`queues ${write.entity} ${n}`)
    const { phone } = this.#handset
    const told = phone.starts
    void this.#handset.app.queue(write.entity, n).then((accepted) => {
      // Nobody is left to be told by a process that was killed.
      if (phone.starts !== told || !phone.running) return
      write.accepted = accepted
      this.#tell(`${write.entity} ${n} ${accepted ? 'accepted' : 'refused'}`)
    })
  }

  #restart(): void {
    this.#kills++
    const { phone } = this.#handset
    phone.kill()
    this.#tell('killed, started again')
    this.#handset.app = this.#world.launch(phone)
    this.#begin()
  }

  #begin(): void {
    this.#world.begin(this.#handset, {}, this.#user)
  }

  /** Everything is well, and each user logs in until all their writes have left. */
  async #recover(): Promise<void> {
    const { time } = this.#world
    const { phone, link } = this.#handset
    this.#world.both('up')
    Object.assign(link.quality, {
      success: 1,
      truncated: 0,
      packetLoss: 0,
      portal: undefined,
    })
    phone.storage.fails = () => false
    phone.show()
    phone.setNetwork('wifi')
    this.#tell('everything is well')
    for (const user of [...users, ...users]) {
      this.#user = user
      this.#handset.app.setUser(user)
      this.#tell(`user ${user || 'nobody'}`)
      await time.advance(130_000)
    }
  }

  #problems(): string[] {
    const { effects } = this.#world.ledger
    const problems: string[] = []
    for (const { user, entity, n, accepted } of this.#writes) {
      const done = effects.filter((effect) => effect.entity === entity && effect.n === n)
      if (done.length === 0 && accepted) problems.push(`${entity} ${n} was accepted and is lost`)
      if (done.length > 1) problems.push(`${entity} ${n} was done ${done.length} times`)
      for (const effect of done)
        if (effect.user !== user)
          problems.push(`${entity} ${n} of ${user || 'nobody'} was done as ${effect.user || 'nobody'}`)
    }
    for (const thrown of this.#handset.phone.thrown)
      problems.push(`thrown into a callback: ${String(thrown)}`)
    const { waiting } = this.#handset.app
    if (waiting > 0) problems.push(`${waiting} writes still wait`)
    for (const user of users)
      for (const entity of entities) {
        const order = effects
          .filter((effect) => effect.user === user && effect.entity === entity)
          .map(({ n }) => n)
        if (order.some((n, i) => i > 0 && n < order[i - 1]!))
          problems.push(`${entity} of ${user || 'nobody'} was done in the order ${order.join(' ')}`)
      }
    return problems
  }

  #tell(what: string): void {
    this.#story.push(`${Math.round(this.#world.time.now())} ms  ${what}`)
  }
}

export const lives: Scenario<Part> = {
  about:
    'drawn lives with kills, dead networks, changing users: no accepted write lost, none done twice, order kept',
  runs: 10_000,
  live: (seed, program) => new Life(seed, program).live(seed),
  judge(parts) {
    const judgement = new Judgement()
    const wrong = parts.filter(({ problems }) => problems.length > 0)
    const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0)
    judgement.holds(
      wrong.length === 0,
      `${wrong.length} of ${parts.length} lives broke a rule: ${sum((part) => part.accepted)} writes accepted, ` +
        `${sum((part) => part.kills)} kills, ${sum((part) => part.requests)} requests`,
    )
    for (const { seed, problems } of wrong.slice(0, 3))
      judgement.broken.push(`seed ${seed}: ${problems.join('\n')}`)
    return judgement
  },
}
