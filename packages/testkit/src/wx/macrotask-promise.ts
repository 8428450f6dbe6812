type Settle = (value?: unknown) => void

/**
 * The Promise of iOS up to 15 in WeChat: a polyfill over `setTimeout`, so that what follows a promise runs behind timers that are
 * due and not before them. Written to be run in another realm, and so without anything from outside.
 */
export function macrotaskPromise(setTimeout: (fire: () => void, ms: number) => unknown): unknown {
  class MacrotaskPromise {
    state = 'open'
    value: unknown = undefined
    waiting: (() => void)[] = []

    constructor(executor: (resolve: Settle, reject: Settle) => void) {
      let called = false
      const reject: Settle = (reason) => {
        if (called) return
        called = true
        this.settle('rejected', reason)
      }
      const resolve: Settle = (value) => {
        if (called) return
        called = true
        this.follow(value)
      }
      try {
        executor(resolve, reject)
      } catch (error) {
        reject(error)
      }
    }

    follow(value: unknown): void {
      if (value === this) return this.settle('rejected', new TypeError('a promise cannot wait for itself'))
      if ((typeof value !== 'object' || value === null) && typeof value !== 'function')
        return this.settle('fulfilled', value)
      let over = false
      try {
        const { then } = value as { then?: unknown }
        if (typeof then !== 'function') return this.settle('fulfilled', value)
        then.call(
          value,
          (next: unknown) => {
            if (over) return
            over = true
            this.follow(next)
          },
          (reason: unknown) => {
            if (over) return
            over = true
            this.settle('rejected', reason)
          },
        )
      } catch (error) {
        if (!over) this.settle('rejected', error)
      }
    }

    settle(state: 'fulfilled' | 'rejected', value: unknown): void {
      this.state = state
      this.value = value
      const { waiting } = this
      this.waiting = []
      for (const run of waiting) setTimeout(run, 0)
    }

    // oxlint-disable-next-line unicorn/no-thenable -- it is a Promise.
    then(onFulfilled?: unknown, onRejected?: unknown): MacrotaskPromise {
      return new MacrotaskPromise((resolve, reject) => {
        const run = (): void => {
          const handler = this.state === 'fulfilled' ? onFulfilled : onRejected
          if (typeof handler !== 'function')
            return this.state === 'fulfilled' ? resolve(this.value) : reject(this.value)
          try {
            resolve((handler as (value: unknown) => unknown)(this.value))
          } catch (error) {
            reject(error)
          }
        }
        if (this.state === 'open') this.waiting.push(run)
        else setTimeout(run, 0)
      })
    }

    catch(onRejected: unknown): MacrotaskPromise {
      return this.then(undefined, onRejected)
    }

    finally(run: () => unknown): MacrotaskPromise {
      return this.then(
        (value: unknown) => MacrotaskPromise.resolve(run()).then(() => value),
        (reason: unknown) =>
          MacrotaskPromise.resolve(run()).then(() => {
            throw reason
          }),
      )
    }

    static resolve(value?: unknown): MacrotaskPromise {
      if (value instanceof MacrotaskPromise) return value
      return new MacrotaskPromise((resolve) => resolve(value))
    }

    static reject(reason?: unknown): MacrotaskPromise {
      return new MacrotaskPromise((_, reject) => reject(reason))
    }

    static all(values: Iterable<unknown>): MacrotaskPromise {
      return new MacrotaskPromise((resolve, reject) => {
        const results: unknown[] = []
        const list = [...values]
        let open = list.length
        if (open === 0) return resolve(results)
        list.forEach((value, index) => {
          MacrotaskPromise.resolve(value).then((result: unknown) => {
            results[index] = result
            if (--open === 0) resolve(results)
          }, reject)
        })
      })
    }

    static allSettled(values: Iterable<unknown>): MacrotaskPromise {
      const told = (value: unknown): MacrotaskPromise =>
        MacrotaskPromise.resolve(value).then(
          (result: unknown) => ({ status: 'fulfilled', value: result }),
          (reason: unknown) => ({ status: 'rejected', reason }),
        )
      return MacrotaskPromise.all([...values].map(told))
    }

    static race(values: Iterable<unknown>): MacrotaskPromise {
      return new MacrotaskPromise((resolve, reject) => {
        for (const value of values) MacrotaskPromise.resolve(value).then(resolve, reject)
      })
    }
  }
  return MacrotaskPromise
}
