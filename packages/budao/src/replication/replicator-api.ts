import type { Conflict, DeadLetter, ReplicatorReport, ResyncReport } from '@budao/model'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { configOption, readConfigFile } from '../locate-config.ts'
import { replicatorOf } from './replicators.ts'

/** How a verb finds a replicator. */
export interface ReplicatorAccess {
  readonly url?: string
  readonly config?: string
  readonly token?: string
}

/** The flags `--url`, `--config` and `--token`. */
export function withReplicatorAccess(verb: Command): Command {
  return verb
    .option('--url <url>', 'origin of the replicator (default: that of the configuration)')
    .option(...configOption)
    .option('--token <token>', 'of the replicator (default: $BUDAO_TOKEN, or the configuration’s)')
}

const askMsMax = 30_000

/** Asks one replicator over HTTP. */
export class ReplicatorApi {
  readonly #origin: string
  readonly #token: string | undefined

  constructor(origin: string, token: string | undefined) {
    this.#origin = origin
    this.#token = token
  }

  /** The one that the flags mean. Throws CliError with exit code 2. */
  static async find({ url, config, token }: ReplicatorAccess): Promise<ReplicatorApi> {
    const secret = token ?? process.env['BUDAO_TOKEN']
    if (url !== undefined) return new ReplicatorApi(url.replace(/\/$/, ''), secret)
    const file = await readConfigFile(config)
    const { parseConfig, formatProblem } = await import('@budao/model/parser')
    const parsed = parseConfig(file.text, file.name)
    if (!parsed.ok) throw new CliError(parsed.problems.map(formatProblem).join('\n'), 2)
    const named = replicatorOf(parsed.config)
    if (named === null) {
      const expected = 'expected `replication`, or `data: { replicator: URL }` of a service'
      throw new CliError(`${file.name}: ${expected}, found none; --url names a replicator`, 2)
    }
    return new ReplicatorApi(named.url, secret ?? named.token)
  }

  /** All of them, the oldest first. */
  async deadLetters(): Promise<DeadLetter[]> {
    return this.#all<DeadLetter>('/v1/dead-letters', 'deadLetters')
  }

  async retry(only?: {
    readonly table: string
    readonly key: string
  }): Promise<{ applied: number; left: number }> {
    return (await this.#ask('POST', '/v1/dead-letters/retry', only ?? {})) as {
      applied: number
      left: number
    }
  }

  async drop(id: number): Promise<void> {
    await this.#ask('POST', '/v1/dead-letters/drop', { id })
  }

  async conflicts(): Promise<Conflict[]> {
    return this.#all<Conflict>('/v1/conflicts', 'conflicts')
  }

  async undo(id: number): Promise<void> {
    await this.#ask('POST', '/v1/conflicts/undo', { id })
  }

  /** Ids of events here that a site has not said to have, and of those that it refused; null: it does not say. */
  async unreplicated(site: string): Promise<{ ids: string[]; refused: string[] | null }> {
    const found = await this.#ask('GET', `/v1/unreplicated?limit=10000&site=${encodeURIComponent(site)}`)
    return found as { ids: string[]; refused: string[] | null }
  }

  /** Ids of writes that came here after their epoch had ended, by the site that made them. */
  async ended(): Promise<{ origin: string; ids: string[] }[]> {
    const { ended } = (await this.#ask('GET', '/v1/status')) as ReplicatorReport
    return Promise.all(
      ended.map(async ({ origin }) => {
        const found = await this.#ask('GET', `/v1/ended?limit=10000&origin=${encodeURIComponent(origin)}`)
        return { origin, ids: (found as { ids: string[] }).ids }
      }),
    )
  }

  /** Begins to fill the site from another. */
  async bootstrap(
    from: string,
    may: { readonly replace: boolean; readonly discardUnread: boolean },
  ): Promise<void> {
    await this.#ask('POST', '/v1/bootstrap', { from, ...may })
  }

  /** Begins to undo what the site wrote and the new owner has not taken. */
  async restore(from: string): Promise<void> {
    await this.#ask('POST', '/v1/restore', { from })
  }

  /** Lets it go on although changes of its site are missing in its log. */
  async acceptGap(): Promise<void> {
    await this.#ask('POST', '/v1/accept-gap', {})
  }

  /** How far that is; null: there was none since the replicator started. */
  async resync(): Promise<ResyncReport | null> {
    return ((await this.#ask('GET', '/v1/resync')) as { resync: ResyncReport | null }).resync
  }

  async #all<T extends { readonly id: number }>(path: string, name: string): Promise<T[]> {
    const all: T[] = []
    for (;;) {
      const page = (await this.#ask('GET', `${path}?limit=1000&after=${all.at(-1)?.id ?? 0}`)) as Record<
        string,
        T[]
      >
      all.push(...page[name]!)
      if (page[name]!.length < 1000) return all
    }
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    let response: Response
    try {
      response = await fetch(this.#origin + path, {
        method,
        signal: AbortSignal.timeout(askMsMax),
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    } catch (error) {
      throw new CliError(`the replicator at ${this.#origin} does not answer: is it running there?`, 1, {
        cause: error,
      })
    }
    const text = await response.text()
    if (response.ok) return text === '' ? null : (JSON.parse(text) as unknown)
    throw new CliError(`the replicator answers ${response.status}: ${messageOf(text)}`, 1)
  }
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : text
  } catch {
    return text.slice(0, 200)
  }
}
