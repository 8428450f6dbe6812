import type { Script } from 'node:vm'
import { SeededDraws } from '../random.ts'
import { Realm } from './realm.ts'
import type { TimeSource } from './virtual-time.ts'
import { WxListeners, WxLogins, type WxNetworkType } from './wx-device.ts'
import { WxEmulator } from './wx-emulator.ts'
import type { WxCarrier, WxNetwork } from './wx-network.ts'
import { WxStorage } from './wx-storage.ts'

export interface PhoneOptions {
  readonly time: TimeSource
  readonly network: WxNetwork | WxCarrier
  /** Origins that the mini program may call. */
  readonly domains: readonly string[]
  /** Of everything that is chance on this phone. Default 1. */
  readonly seed?: number
  /** `macrotask` is iOS up to 15. Default `native`. */
  readonly promises?: 'native' | 'macrotask'
}

/** One run of the mini program, from its start to its end. */
interface Process {
  readonly realm: Realm
  readonly requests: WxEmulator
  readonly listeners: WxListeners
  readonly timers: Set<() => void>
  /** What is due while it is suspended. Null while it runs. */
  postponed: (() => void)[] | null
  stopSuspending: () => void
  hidden: boolean
  alive: boolean
}

const SUSPENDED_AFTER_MS = 5_000
const WALL_START = 1_800_000_000_000

/**
 * A phone with one mini program: an engine without web globals, a strict `wx`, storage that outlives processes. The program can be
 * killed at any moment and started again, sent to the background and back; the network can change or go, the clock be turned.
 */
export class Phone {
  readonly storage: WxStorage
  readonly logins: WxLogins
  /** What the program printed, and what it threw into a callback. */
  readonly printed: string[] = []
  readonly thrown: unknown[] = []
  /** Requests over all processes. */
  requests = 0
  readonly #options: PhoneOptions
  readonly #draws: SeededDraws
  #process: Process | null = null
  #network: WxNetworkType = 'wifi'
  #weak = false
  /** How far the phone's clock is off. */
  #turnedMs = 0
  #starts = 0

  constructor(options: PhoneOptions) {
    this.#options = options
    this.#draws = new SeededDraws(options.seed ?? 1)
    this.storage = new WxStorage(options.time)
    this.logins = new WxLogins(this.#draws)
  }

  /** Processes so far. */
  get starts(): number {
    return this.#starts
  }

  get running(): boolean {
    return this.#process !== null
  }

  /** Milliseconds since 1970, as this phone has it. */
  wallNow(): number {
    return WALL_START + this.#options.time.now() + this.#turnedMs
  }

  /** Starts the program, in a fresh engine, and gives back what it put into `globalThis.app`. `wx` is there from the beginning. */
  start(script: Script): unknown {
    if (this.#process !== null) throw new Error('the mini program runs already: kill it first')
    const process = this.#begin()
    this.#process = process
    process.realm.global['wx'] = this.#wx(process)
    process.realm.run(script)
    return process.realm.global['app']
  }

  /** Ends the process in the middle of whatever it does. Writes to storage that are under way may arrive or not. */
  kill(): void {
    const process = this.#process
    if (process === null) return
    process.alive = false
    process.requests.kill()
    for (const stop of process.timers) stop()
    process.timers.clear()
    this.storage.kill(this.#draws)
    this.#process = null
  }

  /** To the background: five seconds later requests are interrupted, and the engine stands still. */
  hide(): void {
    const process = this.#process
    if (process === null || process.hidden) return
    process.hidden = true
    process.requests.hide()
    this.#tell('AppHide', {})
    const stop = this.#options.time.after(SUSPENDED_AFTER_MS, () => void (process.postponed ??= []))
    process.timers.add(stop)
    process.stopSuspending = () => {
      stop()
      process.timers.delete(stop)
    }
  }

  /** And back: what was due meanwhile is due now. */
  show(): void {
    const process = this.#process
    if (process === null || !process.hidden) return
    process.hidden = false
    process.stopSuspending()
    process.requests.show()
    const due = process.postponed ?? []
    process.postponed = null
    this.#tell('AppShow', { path: 'pages/index', query: {}, scene: 1001 })
    for (const tell of due) this.#deliver(process, tell)
  }

  /** Another network. Requests under way end with 10011; without a network they fail at once. */
  setNetwork(type: WxNetworkType): void {
    if (type === this.#network) return
    const was = this.#network
    this.#network = type
    if (type === 'none') this.#process?.requests.setOnline(false)
    else if (was === 'none') this.#process?.requests.setOnline(true)
    else this.#process?.requests.switchNetwork()
    this.#tell('NetworkStatusChange', { isConnected: type !== 'none', networkType: type })
  }

  /** The platform finds the network weak, or no longer. */
  setWeak(weak: boolean): void {
    this.#weak = weak
    this.#tell('NetworkWeakChange', { weakNet: weak, networkType: this.#network })
  }

  /** Somebody sets the phone's clock. */
  turnClock(ms: number): void {
    this.#turnedMs += ms
  }

  #begin(): Process {
    const { time, network, domains, promises, seed = 1 } = this.#options
    // Each process draws other numbers than the one before.
    const random = new SeededDraws(seed * 7_919 + ++this.#starts)
    const realm = new Realm(
      {
        after: (ms, fire) => {
          const stop = time.after(ms, () => {
            process.timers.delete(cancel)
            this.#deliver(process, fire)
          })
          const cancel = (): void => {
            stop()
            process.timers.delete(cancel)
          }
          process.timers.add(cancel)
          return cancel
        },
        wallNow: () => this.wallNow(),
        random,
        print: (text) => void this.printed.push(text),
      },
      promises,
    )
    const deliver = (tell: () => void): void => this.#deliver(process, tell)
    const requests = new WxEmulator(time, {
      domains,
      network,
      hand: (value) => realm.hand(value),
      deliver,
    })
    requests.setOnline(this.#network !== 'none')
    this.storage.hand = (value) => realm.hand(value)
    this.storage.deliver = deliver
    const process: Process = {
      realm,
      requests,
      listeners: new WxListeners(),
      timers: new Set(),
      postponed: null,
      stopSuspending: () => {},
      hidden: false,
      alive: true,
    }
    return process
  }

  #wx({ realm, requests, listeners }: Process): unknown {
    const { time } = this.#options
    const { storage } = this
    const events: Record<string, unknown> = {}
    for (const event of ['NetworkStatusChange', 'NetworkWeakChange', 'AppShow', 'AppHide']) {
      events[`on${event}`] = (listener: (state: object) => void) => listeners.on(event, listener)
      events[`off${event}`] = (listener?: (state: object) => void) => listeners.off(event, listener)
    }
    const answer = (name: string, what: () => object) => {
      return (options: { success?: (result: object) => void; complete?: (result: object) => void } = {}) => {
        time.after(LOCAL_MS, () => {
          const process = this.#process
          if (process === null || process.requests !== requests) return
          this.#deliver(process, () => {
            const result = realm.hand({ errMsg: `${name}:ok`, ...what() })
            options.success?.(result)
            options.complete?.(result)
          })
        })
      }
    }
    return realm.hand({
      request: (options: Parameters<WxEmulator['request']>[0]) => {
        this.requests++
        return realm.hand(requests.request(options))
      },
      getStorage: storage.getStorage,
      setStorage: storage.setStorage,
      removeStorage: storage.removeStorage,
      clearStorage: storage.clearStorage,
      getStorageInfo: storage.getStorageInfo,
      getStorageSync: storage.getStorageSync,
      setStorageSync: storage.setStorageSync,
      removeStorageSync: storage.removeStorageSync,
      clearStorageSync: storage.clearStorageSync,
      getStorageInfoSync: storage.getStorageInfoSync,
      ...events,
      getNetworkType: answer('getNetworkType', () => ({
        networkType: this.#network,
        weakNet: this.#weak,
        signalStrength: -60,
        hasSystemProxy: false,
      })),
      login: answer('login', () => ({ code: this.logins.issue(time.now()) })),
    })
  }

  #tell(event: string, state: object): void {
    const process = this.#process
    if (process === null) return
    for (const listener of process.listeners.of(event))
      this.#deliver(process, () => listener(process.realm.hand(state)))
  }

  #deliver(process: Process, tell: () => void): void {
    if (!process.alive) return
    if (process.postponed !== null) return void process.postponed.push(tell)
    try {
      tell()
    } catch (error) {
      this.thrown.push(error)
    }
  }
}

/** What the native side needs for an answer of its own. */
const LOCAL_MS = 5
