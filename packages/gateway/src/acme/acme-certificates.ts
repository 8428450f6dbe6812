import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { AcmeConfig, ListenerConfig } from '@budao/model'
import { renewalAt, retryAfter, type Random } from '@budao/resilience'
import type { GatewayOptions } from '../gateway-options.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import type { Challenges } from './acme-challenges.ts'
import { acmeFile, keepSecret, readKey } from './acme-files.ts'
import { newKey, orderCertificate } from './acme-order.ts'

/** Public directories allow five failures an hour for one name: waits of 5, 10, 20 minutes and so on stay below. */
const RETRY_MS = 5 * 60_000
const RETRY_MAX_MS = 6 * 60 * 60_000
/** Timers are no longer than this: the clock of the machine may be set meanwhile. */
const LOOK_MS = 60 * 60_000

export interface AcmeOptions {
  readonly outside: GatewayOptions
  readonly random: Random
  readonly certificates: CertificateStore
  /** Has all threads answer these tokens and no others; resolves once they do. */
  tell(challenges: Challenges): Promise<void>
}

interface Watched {
  readonly listener: string
  readonly config: AcmeConfig
  /** As which it is told from a changed one. */
  readonly mark: string
  /** From 0 to 1: which of those that could be renewed at one time this is. */
  spread: number
  failures: number
  /** Not before, milliseconds since 1970. */
  retryAt: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Gets and renews the certificates of listeners with `tls.acme`, in the main thread. Whatever fails, what was issued before
 * stays in use, and the order is made anew, later each time.
 */
export class AcmeCertificates {
  readonly #options: AcmeOptions
  readonly #watched: Map<string, Watched> = new Map()
  /** Keys of accounts, by directory. */
  readonly #accounts: Map<string, Promise<string>> = new Map()
  readonly #challenges: Map<string, string> = new Map()

  constructor(options: AcmeOptions) {
    this.#options = options
  }

  /** Looks after these listeners, and no others. Orders under way go on for those that stay as they are. */
  watch(listeners: readonly Pick<ListenerConfig, 'name' | 'tls'>[]): void {
    const wanted = new Map(
      listeners.flatMap(({ name, tls }) => (tls?.acme === undefined ? [] : [[name, tls.acme] as const])),
    )
    for (const [name, { mark, timer }] of this.#watched) {
      if (mark === markOf(wanted.get(name))) continue
      clearTimeout(timer)
      this.#watched.delete(name)
    }
    for (const [listener, config] of wanted) {
      if (this.#watched.has(listener)) continue
      const spread = this.#options.random.next()
      const mark = markOf(config)
      const watched = { listener, config, mark, spread, failures: 0, retryAt: 0, timer: undefined }
      this.#watched.set(listener, watched)
      this.#schedule(watched)
    }
  }

  close(): void {
    this.watch([])
  }

  #schedule(watched: Watched): void {
    if (this.#watched.get(watched.listener) !== watched) return
    const waitMs = Math.max(0, this.#dueAt(watched) - Date.now())
    watched.timer = setTimeout(
      () => {
        if (Date.now() < this.#dueAt(watched)) this.#schedule(watched)
        else void this.#order(watched).finally(() => this.#schedule(watched))
      },
      Math.min(waitMs, LOOK_MS),
    ).unref()
  }

  #dueAt({ listener, config, spread, retryAt }: Watched): number {
    const facts = this.#options.certificates.factsOf(listener)
    if (facts === null || config.hosts.some((host) => !facts.hosts.includes(host))) return retryAt
    return Math.max(retryAt, renewalAt(facts, config.renewBefore * 1_000, spread))
  }

  async #order(watched: Watched): Promise<void> {
    const { outside, certificates, random } = this.#options
    const { listener, config } = watched
    const tokens: string[] = []
    try {
      const pem = await orderCertificate({
        config,
        accountKey: await this.#accountKey(config.directory),
        ca:
          config.caFile === undefined
            ? undefined
            : await readFile(resolve(outside.baseDir, config.caFile), 'utf8'),
        present: async (token, answer) => {
          tokens.push(token)
          this.#challenges.set(token, answer)
          await this.#tell()
        },
        withdraw: (token) => this.#withdraw([token]),
      })
      if (this.#watched.get(listener) !== watched) return
      await keepSecret(acmeFile(outside.acmeFolder!, listener), pem)
      certificates.look()
      watched.failures = 0
      // What the directory issues for less than it is to last must not be ordered without a pause.
      watched.retryAt = Date.now() + (outside.acmeRetryMs ?? RETRY_MS)
      watched.spread = random.next()
      this.#tellIssued(watched)
    } catch (error) {
      if (this.#watched.get(listener) === watched) this.#onFailed(watched, error)
    } finally {
      await this.#withdraw(tokens.filter((token) => this.#challenges.has(token)))
    }
  }

  #tellIssued({ listener, config }: Watched): void {
    const facts = this.#options.certificates.factsOf(listener)
    this.#options.outside.report({
      kind: 'certificate.issued',
      severity: 'info',
      subject: listener,
      message: `A certificate for ${config.hosts.join(', ')} was issued; listener ${listener} shows it from now on.`,
      evidence: {
        directory: config.directory,
        hosts: config.hosts.join(', '),
        issuer: facts?.issuer ?? '',
        expiresAt: facts === null ? '' : new Date(facts.expiresAt).toISOString(),
      },
    })
  }

  #onFailed(watched: Watched, error: unknown): void {
    const { outside, certificates, random } = this.#options
    const { listener, config } = watched
    watched.failures++
    const base = outside.acmeRetryMs ?? RETRY_MS
    const waitMs = retryAfter(watched.failures, base, RETRY_MAX_MS, random.next())
    watched.retryAt = Date.now() + waitMs
    const facts = certificates.factsOf(listener)
    const valid = facts !== null && facts.expiresAt > Date.now()
    outside.report({
      kind: 'certificate.issue-failed',
      severity: valid ? 'warning' : 'critical',
      subject: listener,
      message: valid
        ? `No new certificate for listener ${listener}; the one before stays in use.`
        : `No certificate for listener ${listener}: its clients cannot connect.`,
      evidence: {
        directory: config.directory,
        hosts: config.hosts.join(', '),
        problem: problemOf(error).slice(0, 1_000),
        failures: watched.failures,
        nextInSeconds: Math.round(waitMs / 1_000),
      },
    })
  }

  /** One for each directory, of all listeners: those that begin together must not make two. */
  #accountKey(directory: string): Promise<string> {
    const known = this.#accounts.get(directory)
    if (known !== undefined) return known
    const key = this.#readAccountKey(directory)
    this.#accounts.set(directory, key)
    key.catch(() => this.#accounts.delete(directory))
    return key
  }

  async #readAccountKey(directory: string): Promise<string> {
    const folder = this.#options.outside.acmeFolder!
    const name = `account-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}.key`
    const kept = await readKey(folder, name)
    if (kept !== undefined) return kept
    const key = await newKey()
    await keepSecret(join(folder, name), key)
    return key
  }

  async #withdraw(tokens: readonly string[]): Promise<void> {
    if (tokens.length === 0) return
    for (const token of tokens) this.#challenges.delete(token)
    await this.#tell()
  }

  #tell(): Promise<void> {
    return this.#options.tell(new Map(this.#challenges))
  }
}

function markOf(config: AcmeConfig | undefined): string {
  return JSON.stringify(config) ?? ''
}

/** A name of several addresses, none of which answers, fails with a code alone. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || String((error as NodeJS.ErrnoException).code)
}
