import { execFile } from 'node:child_process'

/**
 * Tells the service manager that started this process how it is, where there is one that wants to know (`NOTIFY_SOCKET`, as
 * systemd does with `Type=notify`), through its own `systemd-notify`: Node opens no sockets of that kind.
 */
export class ServiceManager {
  readonly #warn: (message: string) => void
  readonly #env: NodeJS.ProcessEnv
  #watchdog: NodeJS.Timeout | undefined
  #warned = false

  constructor(warn: (message: string) => void, env: NodeJS.ProcessEnv = process.env) {
    this.#warn = warn
    this.#env = { ...env }
  }

  /** Everything has been started; from now on it is told regularly that this process lives, as often as it wants to hear. */
  ready(): void {
    this.#tell('READY=1')
    const watchdogMs = Number(this.#env['WATCHDOG_USEC']) / 1_000
    if (!(watchdogMs > 0)) return
    // Half of it, as sd_watchdog_enabled(3) advises: this timer is late when the event loop is.
    this.#watchdog = setInterval(() => this.#tell('WATCHDOG=1'), watchdogMs / 2)
  }

  stopping(): void {
    clearInterval(this.#watchdog)
    this.#tell('STOPPING=1')
  }

  #tell(word: string): void {
    if (!this.#env['NOTIFY_SOCKET']) return
    execFile('systemd-notify', [word], { env: this.#env, timeout: 5_000 }, (error) => {
      if (error === null || this.#warned) return
      this.#warned = true
      this.#warn(`the service manager cannot be told ${word}: ${error.message}`)
    })
  }
}
