import { hash, randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { ownerOf, SqliteOutbox, WriteRefusedError } from '@budao/replicator/outbox'
import type { ReplicatedTables } from '@budao/replicator/outbox'
import { products as seed } from './catalogue.ts'
import type { Category, Product } from './catalogue.ts'
import { StaleEpoch } from './epoch.ts'
import type { WriteEpoch } from './epoch.ts'

export interface Line {
  readonly productId: number
  readonly quantity: number
}

export interface CartLine extends Line {
  readonly name: string
  readonly priceFen: number
}

export interface Order {
  readonly id: string
  readonly items: readonly CartLine[]
  readonly totalFen: number
  readonly status: 'paid'
  /** Wall-clock time, ISO 8601 in UTC. */
  readonly createdAt: string
}

/** `key-reused`: the key came with other items before. `out-of-stock` and `no-product` name the product. */
export type OrderOutcome =
  | { kind: 'created' | 'repeated'; order: Order }
  | { kind: 'key-reused' }
  | { kind: 'no-product' | 'out-of-stock'; productId: number }

export interface Wanted {
  readonly category: Category | undefined
  /** Part of the name; empty: all. */
  readonly search: string
  readonly page: number
}

export const pageSize = 10

/** What travels to the other site, as east-data.yaml and west-data.yaml say it too. */
export const replicated: ReplicatedTables = {
  orders: { rule: { name: 'last-writer' } },
  // A cart belongs to the site that may write for its user: by the lease, and where none is named, by the user's number.
  carts: { rule: { name: 'owner', ownerOf: (key, row) => ownerOf({ sites: ['east', 'west'] }, key, row) } },
}

/**
 * One site's database, shared by the site's processes. An order is on disk before it is acknowledged (synchronous=FULL), with
 * the event that takes it to the other site, so a killed process loses nothing it has promised.
 */
export class Store {
  readonly #db: DatabaseSync
  readonly #site: string
  readonly #outbox: SqliteOutbox
  readonly #statements = new Map<string, StatementSync>()
  #right: WriteEpoch | null = null
  #written: string | null = null

  constructor(file: string, site: string) {
    this.#site = site
    this.#db = open(file)
    this.#outbox = inTurn(() => new SqliteOutbox({ db: this.#db, site, tables: replicated }))
  }

  products({ category, search, page }: Wanted): { items: Product[]; total: number } {
    const conditions: [condition: string, value: string][] = []
    if (category !== undefined) conditions.push(['category = ?', category])
    // instr and not LIKE: nothing in the text is a pattern.
    if (search !== '') conditions.push(['instr(lower(name), lower(?)) > 0', search])
    const where =
      conditions.length === 0 ? '' : `WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`
    const values = conditions.map(([, value]) => value)
    const total = this.#prepare(`SELECT count(*) AS n FROM products ${where}`).get(...values) as { n: number }
    const items = this.#prepare(`${selectProducts} ${where} ORDER BY id LIMIT ? OFFSET ?`).all(
      ...values,
      pageSize,
      (page - 1) * pageSize,
    )
    return { items: items as unknown as Product[], total: total.n }
  }

  product(id: number): Product | undefined {
    return this.#prepare(`${selectProducts} WHERE id = ?`).get(id) as unknown as Product | undefined
  }

  cart(user: string): CartLine[] {
    const found = this.#prepare('SELECT lines FROM carts WHERE user = ?').get(user)
    const lines = found === undefined ? [] : (JSON.parse(String(found['lines'])) as Line[])
    return lines
      .map(({ productId, quantity }) => {
        const { name, priceFen } = this.product(productId)!
        return { productId, quantity, name, priceFen }
      })
      .toSorted((a, b) => a.productId - b.productId)
  }

  /** Replaces the whole cart, so that a repeated PUT changes nothing. Returns a product that does not exist, if any. */
  putCart(user: string, lines: readonly Line[]): number | undefined {
    return this.#transaction(() => {
      const unknown = lines.find((line) => this.product(line.productId) === undefined)
      if (unknown !== undefined) return unknown.productId
      this.#write('carts', { user, lines: JSON.stringify(lines) })
      return undefined
    })
  }

  clearCart(user: string): void {
    if (this.cart(user).length > 0) this.#write('carts', { user, lines: '[]' })
  }

  /** The same user and key get the same order, however often, from whichever process, and after a move from whichever site. */
  order(user: string, key: string, lines: readonly Line[], createdAt: string): OrderOutcome {
    const request = JSON.stringify(lines)
    return this.#transaction((): OrderOutcome => {
      const change = `order ${user} ${key}`
      const earlier = this.#prepare('SELECT id, request, body FROM orders WHERE user = ? AND key = ?').get(
        user,
        key,
      )
      if (earlier !== undefined) {
        if (earlier['request'] !== request) return { kind: 'key-reused' }
        this.#written = change
        return { kind: 'repeated', order: named(earlier) }
      }
      const items: CartLine[] = []
      for (const { productId, quantity } of lines) {
        const product = this.product(productId)
        if (product === undefined) return { kind: 'no-product', productId }
        if (product.stock < quantity) return { kind: 'out-of-stock', productId }
        items.push({ productId, quantity, name: product.name, priceFen: product.priceFen })
      }
      const totalFen = items.reduce((sum, line) => sum + line.priceFen * line.quantity, 0)
      const body = { items, totalFen, status: 'paid' as const, createdAt }
      const id = `${this.#site}-${numberOf(user, key)}`
      this.clearCart(user)
      this.#write(
        'orders',
        { user, key, id, request, body: JSON.stringify(body), created_at: createdAt },
        change,
      )
      return { kind: 'created', order: { id, ...body } }
    })
  }

  /** Writes by this right, as long as it has not gone to another site. Throws StaleEpoch, with nothing done. */
  underEpoch<T>(right: WriteEpoch, write: () => T): T {
    this.#right = right
    try {
      return this.#transaction(write)
    } catch (error) {
      if (!(error instanceof WriteRefusedError && error.code === 'fenced')) throw error
      throw new StaleEpoch(`Epoch ${right.epoch} of ${right.unit} is over: a newer one has written here.`)
    } finally {
      this.#right = null
    }
  }

  /** Newest first. */
  orders(user: string, limit: number): Order[] {
    const sql = 'SELECT id, body FROM orders WHERE user = ? ORDER BY created_at DESC, id DESC LIMIT ?'
    return this.#prepare(sql).all(user, limit).map(named)
  }

  /** The change that was written last, or asked about again; then forgotten. */
  takeWritten(): string | null {
    const written = this.#written
    this.#written = null
    return written
  }

  close(): void {
    this.#db.close()
  }

  /** The row and the event of it, which names the right under which it is written. */
  #write(
    table: 'orders' | 'carts',
    payload: Readonly<Record<string, string>>,
    id: string = randomUUID(),
  ): void {
    const op = table === 'orders' ? 'create' : 'update'
    this.#outbox.write({ id, op, table, payload, ...this.#right })
    this.#written = id
  }

  /** Takes the write lock at once: a read that turns into a write could otherwise fail with SQLITE_BUSY. */
  #transaction<T>(work: () => T): T {
    return this.#db.isTransaction ? work() : this.#outbox.transaction(work)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

// What was sold is counted from the orders that are here, at each site by itself: it need not travel, and an order that
// two sites took at once counts once. Two sites may still sell the last piece both.
const schema = `
  CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, category TEXT NOT NULL, name TEXT NOT NULL,
    price_fen INTEGER NOT NULL, image TEXT NOT NULL, stock INTEGER NOT NULL, sold INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS products_category ON products (category, id);
  CREATE TABLE IF NOT EXISTS carts (user TEXT PRIMARY KEY, lines TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS orders (
    user TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL,
    created_at TEXT NOT NULL, PRIMARY KEY (user, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS orders_newest ON orders (user, created_at);
  CREATE TRIGGER IF NOT EXISTS sold AFTER INSERT ON orders BEGIN
    UPDATE products SET sold = sold + line.value ->> 'quantity'
      FROM json_each(new.body, '$.items') AS line WHERE products.id = line.value ->> 'productId';
  END;
`

const selectProducts = `
  SELECT id, category, name, price_fen AS priceFen, image, max(0, stock - sold) AS stock FROM products`

/** For people to read out: the same at every site. Of two orders of one user it is hardly ever the same. */
function numberOf(user: string, key: string): number {
  return Number.parseInt(hash('sha256', `${user} ${key}`).slice(0, 8), 16)
}

function named(row: Record<string, unknown>): Order {
  return { id: String(row['id']), ...(JSON.parse(String(row['body'])) as Omit<Order, 'id'>) }
}

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 2_000 })
  inTurn(() => db.exec('PRAGMA journal_mode = WAL'))
  db.exec('PRAGMA synchronous = FULL')
  inTurn(() => db.exec('BEGIN IMMEDIATE'))
  db.exec(schema)
  const insert = db.prepare(
    'INSERT OR IGNORE INTO products (id, category, name, price_fen, image, stock) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const p of seed) insert.run(p.id, p.category, p.name, p.priceFen, p.image, p.stock)
  db.exec('COMMIT')
  return db
}

/** Two processes that create the database together meet a lock that SQLite's own busy timeout does not wait for. */
function inTurn<T>(work: () => T): T {
  for (let left = 100; ; left--) {
    try {
      return work()
    } catch (error) {
      if (left === 0 || !String(error).includes('locked')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}
