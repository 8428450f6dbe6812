import type { ChangeDraft, LogEntry } from '@budao/model'
import { SeededRandom } from '@budao/resilience'
import {
  checkBank,
  checkConvergence,
  checkMonotonicReads,
  checkRegisters,
  checkSet,
  History,
} from '@budao/testkit'
import { SimSite, tables } from './sim-site.ts'

/** What one seed came to. */
export interface Outcome {
  readonly violations: readonly string[]
  readonly writes: number
  readonly crashes: number
  readonly duplicates: number
  readonly conflicts: number
  readonly parked: number
  readonly moves: number
  /** Acknowledged writes that did not make it over a move, each of them reported. */
  readonly lost: number
  /** Readers that were told that entries are gone. */
  readonly truncations: number
  readonly story: readonly string[]
  readonly histories: Readonly<Record<string, History>>
}

/** A write of the registers that waits for the other site. */
interface Pending {
  readonly site: SimSite
  readonly id: string
  readonly process: number
  readonly value: readonly [key: string, value: number]
}

/** A batch that was read, and may be applied much later. */
interface Caught {
  readonly from: SimSite
  readonly to: SimSite
  readonly logId: string
  readonly entries: readonly LogEntry[]
}

const actions = 120
const accounts = [0, 1, 2]
const accountStart = 100

/** Lives through one seed. The same seed is the same life. */
export async function live(seed: number, tells: boolean = false): Promise<Outcome> {
  return new World(seed, tells).live()
}

class World {
  readonly #random: SeededRandom
  readonly #story: string[] = []
  readonly #tells: boolean
  readonly #violations: string[] = []
  readonly #sites: readonly [SimSite, SimSite]
  readonly #histories = {
    adds: new History(),
    bank: new History(),
    registers: new History(),
    monotonic: new History(),
  }
  readonly #reported = new Set<string>()
  #now = 1_700_000_000_000
  #began = this.#now
  #cut = false
  #owner: SimSite
  #epoch = 1
  #ids = 0
  #rises = 0
  #pending: Pending[] = []
  /** The lowest epoch that a site accepts of the other since a move, and what it had applied by then. */
  readonly #ended = new Map<SimSite, { readonly epoch: number; readonly known: Set<string> }>()
  readonly #pairs = new Map<SimSite, number>()
  #caught: Caught[] = []
  /** Whether this life loses entries of a log. */
  readonly #truncates: boolean
  readonly #counts = {
    writes: 0,
    crashes: 0,
    moves: 0,
    truncations: 0,
    duplicates: 0,
    conflicts: 0,
    parked: 0,
  }

  constructor(seed: number, tells: boolean) {
    this.#random = new SeededRandom(seed)
    this.#tells = tells
    this.#sites = [new SimSite('east', () => this.#now), new SimSite('west', () => this.#now)]
    this.#owner = this.#sites[0]
    this.#truncates = this.#random.next() < 0.05
  }

  async live(): Promise<Outcome> {
    for (const site of this.#sites) {
      this.#openBank(site)
      this.#writePair(site)
    }
    for (let i = 0; i < actions; i++) {
      this.#now += this.#below(40)
      await this.#act()
    }
    await this.#heal()
    this.#check()
    for (const { db } of this.#sites) db.close()
    const lost = this.#reported.size
    return {
      ...this.#counts,
      violations: this.#violations,
      lost,
      story: this.#story,
      histories: this.#histories,
    }
  }

  async #act(): Promise<void> {
    const dice = this.#random.next()
    const site = this.#pick(this.#sites)
    if (dice < 0.34) this.#write(site)
    else if (dice < 0.42) this.#read(site)
    else if (dice < 0.6) await this.#carry(site)
    else if (dice < 0.82) await this.#deliver(site)
    else if (dice < 0.86) await this.#late()
    else if (dice < 0.9) this.#cutOrMend()
    else if (dice < 0.94) this.#skew(site)
    else if (dice < 0.96) site.applier.retry()
    else if (dice < 0.97) await this.#move()
    else if (dice < 0.975) await this.#restore(site)
    else if (dice < 0.988) this.#refuse(site)
    else if (this.#truncates) this.#truncate(site)
  }

  #write(site: SimSite): void {
    const kind = this.#pick([
      'adds',
      'rows',
      'cards',
      'stock',
      'own',
      'bank',
      'registers',
      'rises',
      'pairs',
    ] as const)
    if (kind === 'bank') return this.#transfer(site)
    if (kind === 'pairs') return this.#writePair(site)
    if (kind === 'registers') return this.#writeRegister()
    if (kind === 'rises') {
      // A row that only east writes, always higher.
      const draft = { key: 'rise', table: 'rows', payload: { n: ++this.#rises } } as const
      return void this.#put(this.#sites[0], { ...draft, op: this.#rises === 1 ? 'create' : 'update' })
    }
    if (kind === 'adds') {
      const n = this.#ids
      const process = this.#sites.indexOf(site)
      this.#note('adds', process, 'invoke', 'add', n)
      const done = this.#put(site, { op: 'create', table: 'adds', key: String(n), payload: { n } })
      return this.#note('adds', process, done === null ? 'fail' : 'ok', 'add', n)
    }
    const key = this.#pick(['a', 'b'])
    const before = site.rows(kind).get(key)
    const isDelete = before !== undefined && this.#random.next() < 0.15
    // A deleted key of a crdt table does not come back.
    const table = kind === 'stock' && before === undefined ? `${key}${this.#ids}` : key
    const payload = {
      n: this.#below(20),
      tags: this.#some(['x', 'y', 'z']),
      top: this.#below(9),
      by: site.name,
    }
    const op = isDelete ? 'delete' : before === undefined ? 'create' : 'update'
    this.#put(site, { op, table: kind, key: table, payload: isDelete ? null : payload })
  }

  /** The id, where it was written. */
  #put(site: SimSite, draft: Omit<ChangeDraft, 'id'>): string | null {
    const id = `${site.name}-${this.#ids++}`
    try {
      site.outbox.write({ id, ...draft })
    } catch (error) {
      if ((error as { code?: string }).code !== 'fenced') throw error
      return null
    }
    this.#counts.writes++
    this.#tell(
      `${site.name} writes ${id}: ${draft.op} ${draft.table} ${draft.key} ${JSON.stringify(draft.payload)}`,
    )
    return id
  }

  #writePair(site: SimSite): void {
    const n = (this.#pairs.get(site) ?? 0) + 1
    try {
      site.outbox.transaction(() => {
        for (const half of [1, 2]) {
          const key = `${site.name}-${half}`
          const id = `${site.name}-${this.#ids++}`
          const op = site.rows('pairs').has(key) ? 'update' : 'create'
          site.outbox.write({ id, op, table: 'pairs', key, payload: { n } })
        }
      })
      this.#pairs.set(site, n)
      this.#tell(`${site.name} writes both halves of its pair: ${n}`)
    } catch (error) {
      if ((error as { code?: string }).code !== 'fenced') throw error
    }
  }

  #openBank(site: SimSite): void {
    for (const n of accounts) {
      this.#put(site, {
        op: 'create',
        table: 'bank',
        key: `${site.name}-${n}`,
        payload: { balance: accountStart },
      })
    }
  }

  #transfer(site: SimSite): void {
    const [from, to] = [this.#pick(accounts), this.#pick(accounts)]
    const open = site.rows('bank')
    // One that was opened, lost over a move and undone is no account.
    if (from === to || [from, to].some((n) => !open.has(`${site.name}-${n}`))) return
    const amount = this.#below(30)
    const move = (account: number, by: number): void => {
      const key = `${site.name}-${account}`
      const { balance } = JSON.parse(site.rows('bank').get(key)!) as { balance: number }
      const id = `${site.name}-${this.#ids++}`
      site.outbox.write({ id, op: 'update', table: 'bank', key, payload: { balance: balance + by } })
    }
    try {
      site.outbox.transaction(() => {
        move(from, -amount)
        move(to, amount)
      })
      this.#tell(`${site.name} moves ${amount} from ${from} to ${to}`)
    } catch (error) {
      if ((error as { code?: string }).code !== 'fenced') throw error
    }
  }

  /** In mode sync: acknowledged once the other site has it. */
  #writeRegister(): void {
    const key = this.#pick(['r', 's'])
    const value: [string, number] = [key, this.#ids]
    const process = 100 + this.#ids
    const op = this.#owner.rows('registers').has(key) ? 'update' : 'create'
    this.#note('registers', process, 'invoke', 'write', value)
    const id = this.#put(this.#owner, { op, table: 'registers', key, payload: { n: value[1] } })
    if (id === null) this.#note('registers', process, 'fail', 'write', value)
    else this.#pending.push({ site: this.#owner, id, process, value })
  }

  #read(site: SimSite): void {
    if (site.catchesUpTo !== null) return
    const process = this.#sites.indexOf(site) + 2 * site.lives
    const pairs = site.rows('pairs')
    for (const { name } of this.#sites) {
      const [one, other] = [pairs.get(`${name}-1`), pairs.get(`${name}-2`)]
      if (one !== other)
        this.#violations.push(`${site.name} has half a transaction of ${name}: ${one} and ${other}`)
    }
    for (const owner of this.#sites) {
      const own = [...site.rows('bank')].filter(([key]) => key.startsWith(owner.name))
      // Before the first of them arrived there is no bank.
      if (own.length < accounts.length) continue
      const balances = Object.fromEntries(
        own.map(([key, row]) => [key, (JSON.parse(row) as { balance: number }).balance]),
      )
      this.#note('bank', process, 'invoke', 'read', null)
      this.#note('bank', process, 'ok', 'read', balances)
    }
    const rise = site.rows('rows').get('rise')
    if (rise !== undefined) {
      this.#note('monotonic', process, 'invoke', 'read', ['rise', null])
      this.#note('monotonic', process, 'ok', 'read', ['rise', (JSON.parse(rise) as { n: number }).n])
    }
    // What is not acknowledged yet may be seen here, and be gone after a move: a read that counts waits for it.
    const key = this.#pick(['r', 's'])
    if (this.#pending.some(({ value }) => value[0] === key)) return
    const row = this.#owner.rows('registers').get(key)
    const value = row === undefined ? null : (JSON.parse(row) as { n: number }).n
    this.#note('registers', 50, 'invoke', 'read', [key, null])
    this.#note('registers', 50, 'ok', 'read', [key, value])
  }

  async #carry(site: SimSite): Promise<void> {
    const dice = this.#random.next()
    const crash = dice < 0.08 ? 'before' : dice < 0.16 ? 'after' : 'none'
    if (crash !== 'none') this.#counts.crashes++
    await site.carry(crash)
    this.#tell(
      `${site.name} carries into its log, now to ${site.bounds.end}${crash === 'none' ? '' : `, crash ${crash}`}`,
    )
  }

  async #deliver(to: SimSite): Promise<void> {
    const from = this.#other(to)
    if (this.#cut || to.stopped !== '') return
    let at = await to.next(from)
    // A reader that does not know yet what was applied: the same again.
    if (this.#random.next() < 0.15)
      at = { ...at, offset: Math.max(from.log.first, at.offset - this.#below(6)) }
    const entries = from.read(at, 1 + this.#below(8))
    if (entries === 'truncated') {
      this.#counts.truncations++
      to.stopped = `expected ${at.offset} of ${at.logId}`
      return this.#tell(`${to.name} is told that ${from.name}'s log is not what it was: ${to.stopped}`)
    }
    if (entries.length === 0 || this.#random.next() < 0.05) return
    const caught = { from, to, logId: at.logId, entries }
    if (this.#random.next() < 0.1) this.#caught.push(caught)
    else await this.#apply(caught)
  }

  /** A batch of long ago arrives after all. */
  async #late(): Promise<void> {
    const at = this.#below(this.#caught.length)
    const [caught] = this.#caught.splice(at, 1)
    if (caught !== undefined && caught.to.stopped === '' && caught.logId === caught.from.log.logId)
      await this.#apply(caught)
  }

  async #apply({ from, to, entries, logId }: Caught): Promise<void> {
    if (entries[0]!.offset > (await to.next(from)).offset) return
    to.crashIn = this.#random.next() < 0.2 ? 1 + this.#below(20) : 0
    const came = await to.apply(from.name, entries, logId)
    to.crashIn = 0
    if (came === 'crashed') this.#counts.crashes++
    for (const event of came === 'applied' ? entries.flatMap(({ events }) => events) : []) {
      const ended = this.#ended.get(to)
      if (ended === undefined || event.epoch >= ended.epoch || ended.known.has(event.id)) continue
      if (to.hasSeen(from.name, event.id))
        this.#violations.push(`${to.name} applied ${event.id} of epoch ${event.epoch}, which had ended`)
    }
    const last = entries.at(-1)!.offset
    if (came === 'applied') await this.#caughtUp(to)
    this.#tell(`${to.name} applies ${entries[0]!.offset} to ${last} of ${from.name}: ${came}`)
    if (came === 'crashed' || this.#random.next() < 0.1) return
    await this.#acknowledge(from, to)
  }

  /** The writer hears how far the other site is. */
  async #acknowledge(from: SimSite, to: SimSite): Promise<void> {
    const { offset } = await to.next(from)
    const there = new Set(
      from.log.entries
        .slice(0, Math.max(0, offset - from.log.first))
        .flatMap((each) => each.map(({ id }) => id)),
    )
    const parked = new Set(
      to.applier.letters.list(0, 10_000).map(({ event }) => (JSON.parse(event) as { id: string }).id),
    )
    this.#pending = this.#pending.filter(({ site, id, process, value }) => {
      if (site !== from || !there.has(id)) return true
      // A letter is durable and not applied: the write is not acknowledged by it.
      if (parked.has(id)) return true
      this.#note('registers', process, 'ok', 'write', value)
      return false
    })
  }

  #cutOrMend(): void {
    this.#cut = !this.#cut
    this.#tell(`network ${this.#cut ? 'cut' : 'well'}`)
  }

  #skew(site: SimSite): void {
    const far = this.#random.next() < 0.2
    site.skewMs = Math.round((this.#random.next() - 0.5) * (far ? 1_200_000 : 600))
    this.#tell(`${site.name}'s clock is off by ${site.skewMs} ms`)
  }

  /** The right to write goes to the other site, with an epoch that ends the old one everywhere. */
  async #move(): Promise<void> {
    const [old, next] = [this.#owner, this.#other(this.#owner)]
    if (next.stopped !== '' || next.isFenced || next.catchesUpTo !== null) return
    this.#epoch++
    // What it had applied of the old owner by then counts; nothing of it does afterwards.
    this.#ended.set(next, { epoch: this.#epoch, known: next.seenOf(old.name) })
    for (const site of this.#sites) site.fence(old.name, this.#epoch)
    next.claim(this.#epoch)
    old.isFenced = true
    for (const { site, process, value } of this.#pending) {
      if (site === old) this.#note('registers', process, 'info', 'write', value)
    }
    this.#pending = this.#pending.filter(({ site }) => site !== old)
    this.#owner = next
    this.#counts.moves++
    this.#tell(`${old.name} is fenced, ${next.name} owns epoch ${this.#epoch}`)
  }

  /** A site that was fenced gets its work back only once what did not make it is undone, and it has caught up. */
  async #restore(site: SimSite): Promise<void> {
    const other = this.#other(site)
    if (!site.isFenced || this.#cut || site.stopped !== '' || other.stopped !== '') return
    // The ids of what is lost are remembered by whom it was acknowledged.
    if (!(await site.restoreFrom(other))) return
    this.#tell(`${site.name} undoes what did not make it, and catches up to ${site.catchesUpTo}`)
    await this.#caughtUp(site)
  }

  async #caughtUp(site: SimSite): Promise<void> {
    if (site.catchesUpTo === null || (await site.next(this.#other(site))).offset < site.catchesUpTo) return
    site.catchesUpTo = null
    site.claim(this.#epoch)
    this.#tell(`${site.name} is put right, and writes in epoch ${this.#epoch}`)
  }

  #refuse(site: SimSite): void {
    const on = this.#random.next() < 0.6
    site.refuses = on
    this.#tell(`${site.name}'s database ${on ? 'refuses' : 'takes'} the second half of the other's pair`)
  }

  #truncate(site: SimSite): void {
    const { log } = site
    if (this.#random.next() < 0.5) {
      const count = this.#below(log.entries.length + 1)
      log.entries.splice(0, count)
      log.first += count
      this.#tell(`${site.name}'s log now begins at ${log.first}`)
    } else {
      site.loseLog()
      this.#tell(`${site.name}'s log is lost and begins anew`)
    }
  }

  /** Everything is well again: clocks, network, and time enough. */
  async #heal(): Promise<void> {
    this.#cut = false
    this.#caught = []
    for (const site of this.#sites) {
      site.skewMs = 0
      site.refuses = false
    }
    this.#now += 1_800_000
    for (let round = 0; round < 200; round++) {
      let moved = false
      for (const to of this.#sites) {
        const from = this.#other(to)
        await from.carry('none')
        if (to.stopped !== '') continue
        const at = await to.next(from)
        const entries = from.read(at, 50)
        if (entries === 'truncated') {
          this.#counts.truncations++
          to.stopped = 'at the end'
        } else if (entries.length > 0) {
          moved = true
          await to.apply(from.name, entries, at.logId)
          await this.#caughtUp(to)
          await this.#acknowledge(from, to)
        }
      }
      if (!moved && this.#sites.every(({ outbox }) => outbox.waiting === 0)) {
        // What waits is tried again first: nothing of it is of an epoch that has ended.
        for (const site of this.#sites) site.applier.retry()
        const fenced = this.#sites.find((site) => site.isFenced)
        if (fenced === undefined || this.#sites.some(({ stopped }) => stopped !== '')) break
        await this.#restore(fenced)
        if (fenced.isFenced) break
      }
    }
    for (const to of this.#sites) await this.#acknowledge(this.#other(to), to)
  }

  #check(): void {
    const [east, west] = this.#sites
    this.#violations.push(...checkMonotonicReads(this.#histories.monotonic.ops))
    this.#violations.push(...checkBank(this.#histories.bank.ops, accountStart * accounts.length))
    for (const site of this.#sites) {
      const seen = new Set<string>()
      for (const { reason, event, detail } of site.applier.letters.list(0, 10_000)) {
        const { id, table, key } = JSON.parse(event) as { id: string; table: string; key: string }
        if (reason !== 'old-epoch' && reason !== 'undone')
          this.#violations.push(`${site.name}: ${id} waits for ever: ${reason}, ${detail}`)
        if (seen.has(id)) this.#violations.push(`${site.name}: ${id} is among the dead letters twice`)
        seen.add(id)
        this.#reported.add(`${table} ${key}`)
      }
      this.#counts.conflicts += site.applier.conflicts(0, 100_000).length
    }
    if (east.stopped !== '' || west.stopped !== '') return
    this.#violations.push(...checkRegisters(this.#histories.registers.ops))
    for (const site of this.#sites) {
      if (site.isFenced) this.#violations.push(`${site.name} was fenced, and is never put right`)
      if (site.catchesUpTo !== null) this.#violations.push(`${site.name} never catches up`)
    }
    for (const table of Object.keys(tables)) {
      const wrong = checkConvergence({ east: east.rows(table), west: west.rows(table) })
      this.#violations.push(...wrong.map((each) => `${table} ${each}`))
    }
    for (const [process, site] of this.#sites.entries()) this.#checkAdds(process, site)
  }

  /** What was acknowledged is there, or was reported; what was reported is not there. */
  #checkAdds(process: number, site: SimSite): void {
    const history = new History()
    history.ops.push(...this.#histories.adds.ops)
    history.add(0, process, 'invoke', 'read', null)
    history.add(0, process, 'ok', 'read', [...site.rows('adds').keys()].map(Number))
    const { lost, unexpected, duplicated } = checkSet(history.ops)
    const actual = new Set<string>(lost.map((n) => `adds ${String(n)}`))
    for (const each of actual)
      if (!this.#reported.has(each))
        this.#violations.push(`${site.name}: ${each} was acknowledged, is lost, and nobody says so`)
    for (const each of this.#reported)
      if (each.startsWith('adds ') && !actual.has(each))
        this.#violations.push(`${site.name}: ${each} is said to be lost, and is there`)
    for (const n of [...unexpected, ...duplicated])
      this.#violations.push(`${site.name}: ${String(n)} is there, and should not, or twice`)
  }

  #note(
    which: 'adds' | 'bank' | 'registers' | 'monotonic',
    process: number,
    type: 'invoke' | 'ok' | 'fail' | 'info',
    f: string,
    value: unknown,
  ): void {
    this.#histories[which].add(this.#now - this.#began, process, type, f, value)
  }

  #tell(line: string): void {
    if (this.#tells) this.#story.push(`${this.#now - this.#began} ms  ${line}`)
  }

  #other(site: SimSite): SimSite {
    return site === this.#sites[0] ? this.#sites[1] : this.#sites[0]
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }

  #some<T>(from: readonly T[]): T[] {
    return from.filter(() => this.#random.next() < 0.5)
  }
}
