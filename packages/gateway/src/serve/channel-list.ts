import { rename, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type {
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  ChannelsConfig,
  EventDraft,
} from '@budao/model'
import { compactJws } from '../keys/compact-jws.ts'
import { parsePrivateKeys, type SigningKey } from '../keys/private-keys.ts'
import { WatchedFiles } from '../tls/watched-files.ts'
import { type ChannelOrder, orderProblem, parseChannelOrder } from './channel-order.ts'

/** Of what a list is told from any other text that the key may sign. */
const type = 'channels+jws'

export interface ChannelListEnv {
  readonly baseDir: string
  /** Milliseconds since 1970. */
  wallNow(): number
  report(event: EventDraft): void
}

/** The signed list of one route: signed anew when its files change and at half of its life, never for a request. */
export class ChannelList {
  readonly route: string
  readonly #config: ChannelsConfig
  readonly #env: ChannelListEnv
  readonly #key: WatchedFiles<SigningKey>
  readonly #file: WatchedFiles<ChannelOrder> | null
  #inForce: ChannelOrder
  #text = ''
  #signedAt = 0
  /** Why an operator is just changing it. */
  #reason = ''

  /** Throws when a file cannot be used, or apps that know `before` would not take the list. */
  constructor(route: string, config: ChannelsConfig, before: ChannelOrder | null, env: ChannelListEnv) {
    this.route = route
    this.#config = config
    this.#env = env
    this.#key = new WatchedFiles([config.key], env.baseDir, ([text]) => rsaKey(text!))
    const { file, order, version } = config
    this.#file =
      file === undefined ? null : new WatchedFiles([file], env.baseDir, ([text]) => parseChannelOrder(text!))
    this.#inForce = this.#file?.value ?? { order: order!, version: version! }
    const problem = orderProblem(before, this.#inForce)
    if (problem !== '') throw new Error(`route ${route}: channels: ${problem}`)
  }

  get order(): ChannelOrder {
    return this.#inForce
  }

  get text(): string {
    return this.#text
  }

  report(): ChannelListReport {
    const { version, order } = this.#inForce
    const expiresInSeconds = this.#leftMs / 1_000
    return { route: this.route, version, order, expiresInSeconds, changeable: this.#file !== null }
  }

  /** Writes another order to the file and signs it at once. */
  async set({ order, version, reason }: ChannelChange): Promise<ChannelChangeResult> {
    const { file } = this.#config
    if (file === undefined) {
      const problem = 'the order stands in the configuration: change it there, or use channels.file'
      return { ok: false, code: 'order-configured', problem }
    }
    const next = { version: version ?? this.#inForce.version + 1, order }
    const problem = writtenProblem(next) || orderProblem(this.#inForce, next)
    if (problem !== '') return { ok: false, code: 'order-refused', problem }
    try {
      this.#reason = reason
      await replaceFile(resolve(this.#env.baseDir, file), `${JSON.stringify(next, null, 2)}\n`)
      await this.look()
    } catch (error) {
      return { ok: false, code: 'not-applied', problem: `${file} cannot be written: ${String(error)}` }
    } finally {
      this.#reason = ''
    }
    return { ok: true, version: next.version }
  }

  get #leftMs(): number {
    return this.#signedAt + this.#config.ttl - this.#env.wallNow()
  }

  /** Looks at the files and the clock. Resolves to whether there is another text. */
  async look(): Promise<boolean> {
    const changed = [this.#lookAtKey(), this.#lookAtFile()].some(Boolean)
    const now = this.#env.wallNow()
    // A clock that was set back would leave a list from the future.
    const fresh = now >= this.#signedAt && this.#leftMs > this.#config.ttl / 2
    if (this.#text !== '' && fresh && !changed) return false
    await this.#sign(now)
    return true
  }

  #lookAtKey(): boolean {
    const result = this.#key.poll()
    if (result instanceof Error) this.#refuse(result.message)
    return result === 'changed'
  }

  #lookAtFile(): boolean {
    const result = this.#file?.poll() ?? 'same'
    if (result instanceof Error) this.#refuse(result.message)
    if (result !== 'changed') return false
    const next = this.#file!.value
    const problem = orderProblem(this.#inForce, next)
    if (problem !== '') {
      this.#refuse(`${this.#config.file}: ${problem}`)
      return false
    }
    const before = this.#inForce
    this.#inForce = next
    if (before.version === next.version) return false
    this.#env.report({
      kind: 'channels.changed',
      severity: 'info',
      subject: this.route,
      message: `Apps are told to try ${next.order[0]} first: version ${next.version} of the channel list.`,
      evidence: {
        version: next.version,
        before: before.version,
        order: next.order.join(' '),
        ...(this.#reason === '' ? {} : { reason: this.#reason }),
      },
    })
    return true
  }

  #refuse(problem: string): void {
    this.#env.report({
      kind: 'channels.refused',
      severity: 'warning',
      subject: this.route,
      message: `A changed file of the channel list was refused; version ${this.#inForce.version} goes on.`,
      evidence: { problem, version: this.#inForce.version },
    })
  }

  async #sign(now: number): Promise<void> {
    const { version, order } = this.#inForce
    const iat = Math.floor(now / 1_000)
    const exp = iat + Math.ceil(this.#config.ttl / 1_000)
    this.#text = await compactJws({ v: 1, version, iat, exp, order }, type, this.#key.value)
    this.#signedAt = now
  }
}

/** The key that lists are signed with. Throws for one that apps cannot check. */
export function rsaKey(text: string): SigningKey {
  const [key, ...others] = parsePrivateKeys(text)
  if (key.algorithm !== 'RS256') throw new Error('expected an RSA key: apps check nothing else')
  if (others.length > 0) throw new Error(`expected one key, got ${1 + others.length}: apps know one`)
  return key
}

/** What is wrong with an order, whatever is in force; else empty. */
function writtenProblem(next: ChannelOrder): string {
  try {
    parseChannelOrder(JSON.stringify(next))
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** Whoever reads it meanwhile finds the old one or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  await writeFile(draft, text)
  await rename(draft, path)
}
