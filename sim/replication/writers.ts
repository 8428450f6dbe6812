import type { ChangeDraft } from '@budao/model'
import type { Life } from './life.ts'
import type { Registers } from './registers.ts'
import type { SimSite } from './sim-site.ts'

/** Accounts of each site. */
export const accounts: readonly number[] = [0, 1, 2]
/** What is in each of them at first. */
export const accountStart = 100

/** The applications of both sites. */
export class Writers {
  readonly #life: Life
  readonly #registers: Registers
  readonly #pairs = new Map<SimSite, number>()
  #rises = 0

  constructor(life: Life, registers: Registers) {
    this.#life = life
    this.#registers = registers
  }

  /** What is there before anything happens. */
  begin(site: SimSite): void {
    for (const n of accounts) {
      const payload = { balance: accountStart }
      this.#put(site, { op: 'create', table: 'bank', key: `${site.name}-${n}`, payload })
    }
    this.#writePair(site)
  }

  write(site: SimSite): void {
    const life = this.#life
    const kind = life.pick([
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
    switch (kind) {
      case 'bank':
        return this.#transfer(site)
      case 'pairs':
        return this.#writePair(site)
      case 'registers':
        return this.#registers.write((key, op, n) =>
          this.#put(life.owner, { op, table: 'registers', key, payload: { n } }),
        )
      case 'rises': {
        // A row that only east writes, always higher.
        const op = ++this.#rises === 1 ? 'create' : 'update'
        return void this.#put(life.sites[0], { op, key: 'rise', table: 'rows', payload: { n: this.#rises } })
      }
      case 'adds':
        return this.#add(site)
      case 'rows':
      case 'cards':
      case 'stock':
      case 'own':
        return this.#replace(site, kind)
    }
  }

  #add(site: SimSite): void {
    const n = this.#life.ids
    const process = this.#life.sites.indexOf(site)
    this.#life.note('adds', process, 'invoke', 'add', n)
    const done = this.#put(site, { op: 'create', table: 'adds', key: String(n), payload: { n } })
    this.#life.note('adds', process, done === null ? 'fail' : 'ok', 'add', n)
  }

  #replace(site: SimSite, table: 'rows' | 'cards' | 'stock' | 'own'): void {
    const life = this.#life
    const name = life.pick(['a', 'b'])
    const exists = site.has(table, name)
    const isDelete = exists && life.chance(0.15)
    // A deleted key of a crdt table does not come back.
    const key = table === 'stock' && !exists ? `${name}${life.ids}` : name
    const payload = { n: life.below(20), tags: life.some(['x', 'y', 'z']), top: life.below(9), by: site.name }
    const op = isDelete ? 'delete' : exists ? 'update' : 'create'
    this.#put(site, { op, table, key, payload: isDelete ? null : payload })
  }

  #writePair(site: SimSite): void {
    const n = (this.#pairs.get(site) ?? 0) + 1
    const written = unlessFenced(() => {
      for (const half of [1, 2]) {
        const key = `${site.name}-${half}`
        const id = this.#life.nextId(site)
        const op = site.has('pairs', key) ? 'update' : 'create'
        site.outbox.write({ id, op, table: 'pairs', key, payload: { n } })
      }
    }, site)
    if (!written) return
    this.#pairs.set(site, n)
    this.#life.tell(`${site.name} writes both halves of its pair: ${n}`)
  }

  #transfer(site: SimSite): void {
    const life = this.#life
    const [from, to] = [life.pick(accounts), life.pick(accounts)]
    // One that was opened, lost over a move and undone is no account.
    if (from === to || [from, to].some((n) => !site.has('bank', `${site.name}-${n}`))) return
    const amount = life.below(30)
    const move = (account: number, by: number): void => {
      const key = `${site.name}-${account}`
      const balance = Number(site.row('bank', key)!['balance']) + by
      site.outbox.write({ id: life.nextId(site), op: 'update', table: 'bank', key, payload: { balance } })
    }
    const moved = unlessFenced(() => {
      move(from, -amount)
      move(to, amount)
    }, site)
    if (moved) life.tell(`${site.name} moves ${amount} from ${from} to ${to}`)
  }

  /** The id, where it was written. */
  #put(site: SimSite, draft: Omit<ChangeDraft, 'id'>): string | null {
    const id = this.#life.nextId(site)
    if (!unlessFenced(() => void site.outbox.write({ id, ...draft }), site)) return null
    this.#life.counts.writes++
    const { op, table, key, payload } = draft
    this.#life.tell(`${site.name} writes ${id}: ${op} ${table} ${key} ${JSON.stringify(payload)}`)
    return id
  }
}

/** Does it in one transaction; false: the site is fenced. */
function unlessFenced(work: () => void, { outbox }: SimSite): boolean {
  try {
    outbox.transaction(work)
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== 'fenced') throw error
    return false
  }
}
