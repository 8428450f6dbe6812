/** Why nobody is logged in. */
export type LoginRefusal = 'login_code_invalid' | 'login_rate_limited' | 'login_blocked' | 'login_unavailable'

/** Who a code stands for, or why that cannot be said. */
export type LoginOutcome =
  | {
      readonly kind: 'user'
      /** What is different for two users of the same name at two providers. */
      readonly realm: string
      readonly id: string
    }
  | {
      readonly kind: 'refused'
      readonly code: LoginRefusal
      /** For people and events, without secrets and without the code. */
      readonly reason: string
      /** Nothing that the client does will help: an operator has to. */
      readonly misconfigured?: boolean
    }

/** Who knows users by a code of theirs. */
export interface IdentityProvider {
  /** A code is used up by being asked about. Never rejects. */
  login(code: string, deadlineAt: number): Promise<LoginOutcome>
  close(): void
}

/** An access token of the app and how long it is good. */
export interface FetchedToken {
  readonly token: string
  readonly lifeMs: number
}

/** How a call to a provider ended. */
export const providerCallKinds = ['answer', 'not-sent', 'unknown'] as const

/** What the outside gives a provider. */
export interface IdentityEnv {
  readonly baseDir: string
  /** Monotonic milliseconds. */
  now(): number
  warn(message: string): void
  /** A call to the address at that place of its list has ended. */
  onCall(place: number, kind: (typeof providerCallKinds)[number]): void
}
