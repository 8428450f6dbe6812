import type { SessionConfig } from '@budao/model'
import { wrongMethod } from '../exchange/reply.ts'
import type { OnWorkEnd, OwnWork, WorkRequest, WorkUnderWay } from '../exchange/own-work.ts'
import type { FilterRequest, Reply } from '../filters/filter.ts'
import type { ErrorCode } from '../errors.ts'
import { openIdentity } from '../providers/open-identity.ts'
import type { IdentityProvider, LoginOutcome, LoginRefusal } from './identity.ts'
import { IdentityMetrics } from './identity-metrics.ts'
import { IdentityWatch } from './identity-watch.ts'
import { identityNumbers, identityWatchName } from './serve-memory.ts'
import { badBody, codeReply } from './serve-replies.ts'
import type { Served, ServeEnv } from './served.ts'
import { parseSessionRequest } from './session-request.ts'
import { SessionTokens, type IssuedSession } from './session-tokens.ts'

const BODY_BYTES_MAX = 4_096
/** Seconds after which trying again makes sense, where it does. */
const retryAfterS: Readonly<Partial<Record<ErrorCode, number>>> = {
  login_rate_limited: 60,
  login_unavailable: 2,
}

/** A provider and what is known of it. */
interface Known {
  readonly provider: IdentityProvider
  readonly metrics: IdentityMetrics
  readonly watch: IdentityWatch
}

/** Rejects when a key or a secret cannot be used. */
export async function openSession(config: SessionConfig, env: ServeEnv): Promise<Served> {
  const tokens = new SessionTokens(config, env)
  const providers = new Map<string, Known>()
  const close = (): void => {
    for (const { provider } of providers.values()) provider.close()
  }
  try {
    for (const name of config.provider) {
      const metrics = new IdentityMetrics(env.numbers(identityNumbers(name)))
      const provider = await openIdentity(env.identity[name]!, {
        baseDir: env.baseDir,
        now: env.now,
        warn: (message) => env.warn(`identity ${name}: ${message}`),
        onCall: (place, kind) => metrics.called(place, kind),
      })
      const watch = new IdentityWatch(name, env.cells(identityWatchName(name)), env.report)
      providers.set(name, { provider, metrics, watch })
    }
  } catch (error) {
    close()
    throw error
  }
  return { answer: null, work: new Session(config, env, tokens, providers), close }
}

/** Gives a token for a code of the platform, or for a refresh token of its own. */
class Session implements OwnWork {
  readonly answeredBy = 'route'
  readonly bodyBytes = BODY_BYTES_MAX
  readonly #config: SessionConfig
  readonly #env: ServeEnv
  readonly #tokens: SessionTokens
  readonly #providers: ReadonlyMap<string, Known>

  constructor(
    config: SessionConfig,
    env: ServeEnv,
    tokens: SessionTokens,
    providers: ReadonlyMap<string, Known>,
  ) {
    this.#config = config
    this.#env = env
    this.#tokens = tokens
    this.#providers = providers
  }

  refusal({ method }: FilterRequest): Reply | null {
    return method === 'POST' ? null : postOnly
  }

  begin(_plane: unknown, { body, terms }: WorkRequest, onEnd: OnWorkEnd): WorkUnderWay {
    const payload = body.payload()
    const { deadlineAt } = terms
    let wanted = true
    const end: OnWorkEnd = (reply, reason) => {
      if (wanted) onEnd(reply, reason)
      wanted = false
    }
    return {
      start: () => {
        this.#answer(payload, deadlineAt).then(
          ([reply, reason]) => end(reply, reason),
          (error: unknown) => {
            this.#env.warn(`session of route ${this.#env.route}: ${String(error)}`)
            end(codeReply('serve_failed'), 'serve_failed')
          },
        )
      },
      cancel: () => {
        wanted = false
      },
    }
  }

  async #answer(body: Buffer, deadlineAt: number): Promise<readonly [Reply, reason: string]> {
    const request = parseSessionRequest(body)
    if (typeof request === 'string') return [badBody(request), 'bad_body']
    if (request.kind === 'refresh') return this.#refresh(request.token)
    const names = this.#config.provider
    // An app knows the platform it runs on, perhaps not how its operators call that here.
    const name = request.provider === '' && names.length === 1 ? names[0]! : this.#named(request.provider)
    if (name === undefined) return [badBody(`provider: expected ${names.join(' or ')}`), 'bad_body']
    return this.#login(name, request.code, deadlineAt)
  }

  #named(wanted: string): string | undefined {
    const names = this.#config.provider
    return (
      names.find((name) => name === wanted) ??
      names.find((name) => Object.hasOwn(this.#env.identity[name]!, wanted))
    )
  }

  async #login(name: string, code: string, deadlineAt: number): Promise<readonly [Reply, reason: string]> {
    const { provider, metrics, watch } = this.#providers.get(name)!
    const beganAt = this.#env.now()
    const outcome = await provider.login(code, deadlineAt)
    const refused = outcome.kind === 'refused' ? outcome : null
    metrics.ended(refused?.code ?? 'logged-in', this.#env.now() - beganAt)
    if (refused?.code === 'login_unavailable') watch.failed(refused.reason, refused.misconfigured ?? false)
    else watch.answered()
    if (outcome.kind === 'refused') return refusal(outcome)
    const user = this.#tokens.userOf(outcome.realm, outcome.id)
    return [given(await this.#tokens.begin(user, name)), '']
  }

  async #refresh(token: string): Promise<readonly [Reply, reason: string]> {
    const beganAt = this.#env.now()
    const renewed = await this.#tokens.renew(token)
    const name = renewed?.provider ?? this.#config.provider[0]!
    const result = renewed === null ? 'refresh_invalid' : 'refreshed'
    this.#providers.get(name)!.metrics.ended(result, this.#env.now() - beganAt)
    if (renewed === null) return [codeReply('refresh_invalid'), 'refresh_invalid']
    const { provider: _provider, ...issued } = renewed
    return [given(issued), '']
  }
}

const postOnly = wrongMethod('POST')

function refusal({ code }: Extract<LoginOutcome, { kind: 'refused' }>): readonly [Reply, LoginRefusal] {
  return [codeReply(code, retryAfterS[code]), code]
}

function given(session: IssuedSession): Reply {
  return {
    status: 200,
    headers: [
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
    ],
    body: JSON.stringify(session),
  }
}
