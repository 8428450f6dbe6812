import { constants, createContext, runInContext, type Context, type Script } from 'node:vm'
import type { Random } from '@budao/resilience'
import { macrotaskPromise } from './macrotask-promise.ts'

/** What the world outside gives to code of a mini program. */
export interface RealmHost {
  after(ms: number, fire: () => void): () => void
  /** Milliseconds since 1970. */
  wallNow(): number
  readonly random: Random
  print(text: string): void
}

type Maker = new (length?: number) => Record<string, unknown>

/**
 * An engine as a mini program finds it: the language and nothing else. No `fetch`, `URL`, `AbortController`, `TextEncoder`, `crypto`,
 * `process`; no code from strings; timers, clock and chance from outside.
 */
export class Realm {
  readonly #context: Context
  readonly #object: Maker
  readonly #array: new (length: number) => unknown[]
  readonly #bytes: new (length: number) => Uint8Array

  constructor(host: RealmHost, promises: 'native' | 'macrotask' = 'native') {
    this.#context = createContext(constants.DONT_CONTEXTIFY as unknown as Context, {
      codeGeneration: { strings: false, wasm: false },
    })
    const run = (code: string): unknown => runInContext(code, this.#context)
    const furnished = run(`(${furnish.toString()})`) as typeof furnish
    const promise = promises === 'macrotask' ? run(`(${macrotaskPromise.toString()})`) : undefined
    const { object, array, bytes } = furnished(
      this.#context,
      {
        after: host.after,
        wallNow: host.wallNow,
        random: () => host.random.next(),
        print: host.print,
      },
      promise as typeof macrotaskPromise | undefined,
    )
    this.#object = object as Maker
    this.#array = array as new (length: number) => unknown[]
    this.#bytes = bytes as new (length: number) => Uint8Array
  }

  get global(): Record<string, unknown> {
    return this.#context as Record<string, unknown>
  }

  run(script: Script): unknown {
    return script.runInContext(this.#context)
  }

  /** The same value as one of this realm: here `instanceof` holds. Bytes become an ArrayBuffer. */
  hand<Value>(value: Value): Value {
    return this.#hand(value) as Value
  }

  #hand(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Uint8Array) {
      const bytes = new this.#bytes(value.length)
      bytes.set(value)
      return bytes.buffer
    }
    if (Array.isArray(value)) {
      const array = new this.#array(value.length)
      value.forEach((each, index) => (array[index] = this.#hand(each)))
      return array
    }
    const object = new this.#object()
    for (const [name, each] of Object.entries(value)) object[name] = this.#hand(each)
    return object
  }
}

/** Runs inside the realm, and so uses nothing from outside but what it is given. */
function furnish(
  realm: Record<string, unknown>,
  host: {
    after(ms: number, fire: () => void): () => void
    wallNow(): number
    random(): number
    print(text: string): void
  },
  promise: typeof macrotaskPromise | undefined,
): { object: unknown; array: unknown; bytes: unknown } {
  const timers = new Map<number, () => void>()
  let next = 1
  const start = (fire: () => void, ms: unknown, again: boolean, id = next++): number => {
    const due = (): void => {
      timers.delete(id)
      if (again) start(fire, ms, true, id)
      fire()
    }
    timers.set(id, host.after(Math.max(0, Number(ms) || 0), due))
    return id
  }
  const clear = (id: number): void => {
    timers.get(id)?.()
    timers.delete(id)
  }
  const bound = (fire: (...values: unknown[]) => void, values: unknown[]): (() => void) =>
    values.length === 0 ? (fire as () => void) : () => fire(...values)
  realm['setTimeout'] = (fire: () => void, ms: unknown, ...values: unknown[]) =>
    start(bound(fire, values), ms, false)
  realm['setInterval'] = (fire: () => void, ms: unknown, ...values: unknown[]) =>
    start(bound(fire, values), Math.max(1, Number(ms) || 0), true)
  realm['clearTimeout'] = clear
  realm['clearInterval'] = clear

  const RealDate = Date
  function PhoneDate(this: unknown, ...values: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(host.wallNow()).toString()
    const made: unknown[] = values.length === 0 ? [host.wallNow()] : values
    return Reflect.construct(RealDate, made, new.target)
  }
  PhoneDate.prototype = RealDate.prototype
  Object.assign(PhoneDate, {
    now: () => host.wallNow(),
    parse: (text: string) => RealDate.parse(text),
    UTC: (year: number, ...rest: number[]) => RealDate.UTC(year, ...rest),
  })
  RealDate.prototype.constructor = PhoneDate as unknown as DateConstructor
  realm['Date'] = PhoneDate
  Math.random = () => host.random()
  if (promise !== undefined)
    realm['Promise'] = promise(realm['setTimeout'] as (fire: () => void, ms: number) => unknown)

  const print = (...values: unknown[]): void => host.print(values.map(String).join(' '))
  realm['console'] = { log: print, info: print, warn: print, error: print, debug: print }
  // The engine's own extras, which phones do not have.
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'Temporal', 'gc']) delete realm[name]
  return { object: Object, array: Array, bytes: Uint8Array }
}
