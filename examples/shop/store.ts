import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { products as seed } from './catalogue.ts'
import type { Category, Product } from './catalogue.ts'
import { epochTable, raiseEpoch, StaleEpoch } from './epoch.ts'
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

/**
 * One site's database, shared by the site's processes. An order is on disk before it is acknowledged
 * (synchronous=FULL), so a killed process loses nothing it has promised.
 */
export class Store {
  readonly #db: DatabaseSync
  readonly #site: string
  readonly #statements = new Map<string, StatementSync>()

  constructor(file: string, site: string) {
    this.#site = site
    this.#db = open(file)
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
    const items = this.#prepare(
      `SELECT id, category, name, price_fen AS priceFen, image, stock FROM products ${where} ORDER BY id LIMIT ? OFFSET ?`,
    ).all(...values, pageSize, (page - 1) * pageSize)
    return { items: items as unknown as Product[], total: total.n }
  }

  product(id: number): Product | undefined {
    const sql = 'SELECT id, category, name, price_fen AS priceFen, image, stock FROM products WHERE id = ?'
    return this.#prepare(sql).get(id) as unknown as Product | undefined
  }

  cart(user: string): CartLine[] {
    const sql = `SELECT p.id AS productId, c.quantity, p.name, p.price_fen AS priceFen
      FROM cart_lines c JOIN products p ON p.id = c.product_id WHERE c.user = ? ORDER BY p.id`
    return this.#prepare(sql).all(user) as unknown as CartLine[]
  }

  /** Replaces the whole cart, so that a repeated PUT changes nothing. Returns a product that does not exist, if any. */
  putCart(user: string, lines: readonly Line[]): number | undefined {
    return this.#transaction(() => {
      const unknown = lines.find((line) => this.product(line.productId) === undefined)
      if (unknown !== undefined) return unknown.productId
      this.clearCart(user)
      const insert = this.#prepare('INSERT INTO cart_lines (user, product_id, quantity) VALUES (?, ?, ?)')
      for (const line of lines) insert.run(user, line.productId, line.quantity)
      return undefined
    })
  }

  clearCart(user: string): void {
    this.#prepare('DELETE FROM cart_lines WHERE user = ?').run(user)
  }

  /** The same user and key get the same order, however often and from whichever process of the site. */
  order(user: string, key: string, lines: readonly Line[], createdAt: string): OrderOutcome {
    const request = JSON.stringify(lines)
    return this.#transaction((): OrderOutcome => {
      const earlier = this.#prepare('SELECT id, request, body FROM orders WHERE user = ? AND key = ?').get(
        user,
        key,
      )
      if (earlier !== undefined) {
        return earlier.request === request
          ? { kind: 'repeated', order: this.#named(earlier) }
          : { kind: 'key-reused' }
      }
      const items: CartLine[] = []
      for (const { productId, quantity } of lines) {
        const product = this.product(productId)
        if (product === undefined) return { kind: 'no-product', productId }
        if (product.stock < quantity) return { kind: 'out-of-stock', productId }
        items.push({ productId, quantity, name: product.name, priceFen: product.priceFen })
      }
      const take = this.#prepare('UPDATE products SET stock = stock - ? WHERE id = ?')
      for (const { productId, quantity } of items) take.run(quantity, productId)

      const totalFen = items.reduce((sum, line) => sum + line.priceFen * line.quantity, 0)
      const body = { items, totalFen, status: 'paid' as const, createdAt }
      const { lastInsertRowid } = this.#prepare(
        'INSERT INTO orders (user, key, request, body) VALUES (?, ?, ?, ?)',
      ).run(user, key, request, JSON.stringify(body))
      this.clearCart(user)
      return { kind: 'created', order: { id: `${this.#site}-${lastInsertRowid}`, ...body } }
    })
  }

  /** Writes only while no newer epoch has: both in one transaction. Throws StaleEpoch, with nothing done. */
  underEpoch<T>({ unit, epoch }: WriteEpoch, write: () => T): T {
    return this.#transaction(() => {
      if (this.#prepare(raiseEpoch).get(unit, epoch) === undefined)
        throw new StaleEpoch(`Epoch ${epoch} of ${unit} is over: a newer one has written here.`)
      return write()
    })
  }

  /** Newest first. */
  orders(user: string, limit: number): Order[] {
    const rows = this.#prepare('SELECT id, body FROM orders WHERE user = ? ORDER BY id DESC LIMIT ?').all(
      user,
      limit,
    )
    return rows.map((row) => this.#named(row))
  }

  close(): void {
    this.#db.close()
  }

  #named(row: Record<string, unknown>): Order {
    return { id: `${this.#site}-${String(row.id)}`, ...(JSON.parse(String(row.body)) as Omit<Order, 'id'>) }
  }

  /** Takes the write lock at once: a read that turns into a write could otherwise fail with SQLITE_BUSY. */
  #transaction<T>(work: () => T): T {
    if (this.#db.isTransaction) return work()
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, category TEXT NOT NULL, name TEXT NOT NULL,
    price_fen INTEGER NOT NULL, image TEXT NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
  CREATE INDEX IF NOT EXISTS products_category ON products (category, id);
  CREATE TABLE IF NOT EXISTS cart_lines (
    user TEXT NOT NULL, product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL,
    PRIMARY KEY (user, product_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, key TEXT NOT NULL,
    request TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (user, key));
`

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 2_000 })
  inTurn(() => db.exec('PRAGMA journal_mode = WAL'))
  db.exec('PRAGMA synchronous = FULL')
  inTurn(() => db.exec('BEGIN IMMEDIATE'))
  db.exec(schema + epochTable)
  const insert = db.prepare(
    'INSERT OR IGNORE INTO products (id, category, name, price_fen, image, stock) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const p of seed) insert.run(p.id, p.category, p.name, p.priceFen, p.image, p.stock)
  db.exec('COMMIT')
  return db
}

/** Two processes that create the database together meet a lock that SQLite's own busy timeout does not wait for. */
function inTurn(work: () => void): void {
  for (let left = 100; ; left--) {
    try {
      return work()
    } catch (error) {
      if (left === 0 || !String(error).includes('locked')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}
