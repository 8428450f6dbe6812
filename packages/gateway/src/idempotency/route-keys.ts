import { hash } from 'node:crypto'
import { statusMatcher, type IdempotencyConfig } from '@budao/model'
import type { Cells } from '@budao/resilience'
import { partReader, type Part } from '../filters/client-key.ts'
import type { FilterRequest } from '../filters/filter.ts'
import { keyOutcomes, keyTraces, type KeyOutcome, type KeyTrace } from './key-outcome.ts'
import type { KeyStore } from './key-store.ts'

/** The draft wants a quoted string, most clients send it bare: both are the same key. */
const keyPattern = /^(?:"([!#-[\]-~]{16,255})"|([!-~]{16,255}))$/

/** How many cells of shared memory a route's keys need. */
export const routeKeyCells: number = keyOutcomes.length + keyTraces.length

/** What the filter `idempotency` of a route came to be in one thread. */
export class RouteKeys {
  readonly config: IdempotencyConfig
  readonly store: KeyStore
  /** Of its keys in the store. */
  readonly name: string
  /** Header of the key, in lower case. */
  readonly #header: string
  readonly #notKept: (status: number) => boolean
  readonly #scopes: readonly Part[]
  readonly #cells: Cells

  constructor(config: IdempotencyConfig, route: string, store: KeyStore, cells: Cells) {
    this.config = config
    this.store = store
    this.name = config.name ?? route
    this.#header = config.header.toLowerCase()
    this.#notKept = statusMatcher(config.notKept)
    this.#scopes = config.by.map(scopeReader)
    this.#cells = cells
  }

  /** Whether keys count for that method. */
  takes(method: string): boolean {
    return this.config.methods.includes(method)
  }

  /** The key that came with the request, or why there is none. */
  keyOf(request: FilterRequest): { readonly key: string } | 'missing' | 'invalid' {
    const value = request.header(this.#header)
    if (value === undefined) return 'missing'
    const found = keyPattern.exec(value)
    return found === null ? 'invalid' : { key: found[1] ?? found[2]! }
  }

  /** Says whose key it is and what it is; nothing of either can be read from it. */
  idOf(request: FilterRequest, key: string): string {
    const scope = this.#scopes.map((read) => read(request) ?? null)
    return hash('sha256', JSON.stringify([scope, key]), 'base64url')
  }

  /** Tells requests apart. Not by their host: a phone may repeat by another one. */
  fingerprintOf({ method, path, query }: FilterRequest, body: Buffer): string {
    return hash('sha256', `${method} ${path}?${query}\n${hash('sha256', body, 'base64url')}`, 'base64url')
  }

  isResult(status: number): boolean {
    return !this.#notKept(status)
  }

  count(outcome: KeyOutcome): void {
    this.#cells.add(keyOutcomes.indexOf(outcome), 1)
  }

  countTrace(trace: KeyTrace): void {
    this.#cells.add(keyOutcomes.length + keyTraces.indexOf(trace), 1)
  }
}

/** What `routeKeyCells` hold. Counters wrap at 32 bits. */
export interface RouteKeyCounts {
  readonly outcomes: Readonly<Record<KeyOutcome, number>>
  readonly traces: Readonly<Record<KeyTrace, number>>
}

export function readRouteKeyCounts(cells: Cells): RouteKeyCounts {
  const read = <T extends string>(names: readonly T[], from: number): Record<T, number> =>
    Object.fromEntries(names.map((name, place) => [name, cells.load(from + place) >>> 0])) as Record<
      T,
      number
    >
  return { outcomes: read(keyOutcomes, 0), traces: read(keyTraces, keyOutcomes.length) }
}

function scopeReader(part: string): Part {
  if (part === 'everybody') return () => ''
  return part === 'user' ? user : partReader(part)
}

/** The letter in front keeps a token's subject apart from a header that says the same. */
function user(request: FilterRequest): string | undefined {
  const { claims } = request
  // A token that names nobody is nobody else's all the same.
  if (claims !== null)
    return `s${JSON.stringify(claims['sub'] === undefined ? claims : [claims['iss'] ?? null, claims['sub']])}`
  const authorization = request.header('authorization')
  return authorization === undefined ? undefined : `a${authorization}`
}
