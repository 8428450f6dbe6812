import type { AccessToken, Config, IdentityConfig } from '@budao/model'
import type { Random } from '@budao/resilience'
import { keepsToken, openTokenProvider } from '../providers/open-identity.ts'
import { AccessTokenKeeper, type AccessTokenReport } from './access-token-keeper.ts'
import type { ServeOutside } from './serve-keeper.ts'
import { accessTokenText, type ServedTextsByName } from './served-texts.ts'

export interface AccessTokensOptions {
  readonly outside: ServeOutside
  readonly random: Random
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  onChange(): void
}

interface Kept {
  readonly name: string
  readonly keeper: AccessTokenKeeper
}

/** The access tokens of all providers that routes or the admin API ask for, each fetched once for all threads. */
export class AccessTokens {
  readonly #options: AccessTokensOptions
  /** By name and settings: another secret is another keeper. */
  readonly #kept: Map<string, Kept> = new Map()

  constructor(options: AccessTokensOptions) {
    this.#options = options
  }

  /** Rejects when a secret cannot be read. Nobody waits for the first token: a gateway has to start while the provider is away. */
  async prepare(config: Config): Promise<void> {
    for (const [name, identity] of wantedTokens(config)) {
      const mark = markOf(name, identity)
      if (this.#kept.has(mark)) continue
      const { outside, now, wallNow, random } = this.#options
      const provider = await openTokenProvider(identity, {
        baseDir: outside.baseDir,
        now,
        warn: (message) => outside.warn(`identity ${name}: ${message}`),
        onCall: () => {},
      })
      if (provider === null) continue
      const keeper = new AccessTokenKeeper(name, provider, {
        now,
        wallNow,
        random: () => random.next(),
        report: (event) => outside.report(event),
        onChange: () => this.#options.onChange(),
      })
      this.#kept.set(mark, { name, keeper })
    }
  }

  retain(config: Config | undefined): void {
    const wanted = new Set(
      config === undefined ? [] : wantedTokens(config).map(([name, identity]) => markOf(name, identity)),
    )
    for (const [mark, { keeper }] of this.#kept) {
      if (wanted.has(mark)) continue
      keeper.close()
      this.#kept.delete(mark)
    }
  }

  /** Undefined where none is kept, null while there is none that is good. */
  get(name: string): AccessToken | null | undefined {
    return [...this.#kept.values()].findLast((each) => each.name === name)?.keeper.token
  }

  texts(): ServedTextsByName {
    const texts: Record<string, string> = {}
    for (const { name, keeper } of this.#kept.values())
      if (keeper.token !== null) texts[accessTokenText(name)] = JSON.stringify(keeper.token)
    return texts
  }

  report(): AccessTokenReport[] {
    return [...this.#kept.values()].map(({ keeper }) => keeper.report())
  }
}

/** Tokens are fetched where a route gives them out, or the provider's `accessToken` says so for the admin API alone. */
function wantedTokens({ routes, identity }: Config): [name: string, identity: IdentityConfig][] {
  const named = new Set(
    routes.flatMap(({ serve }) =>
      serve !== undefined && 'accessToken' in serve ? [serve.accessToken.provider] : [],
    ),
  )
  return Object.entries(identity).filter(([name, each]) => named.has(name) || keepsToken(each))
}

function markOf(name: string, identity: IdentityConfig): string {
  return `${name} ${JSON.stringify(identity)}`
}
