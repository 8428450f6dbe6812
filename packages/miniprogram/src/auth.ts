import { ApiError } from './api-error.ts'

/** How calls say who makes them. */
export interface AuthOptions {
  /** The token in use; undefined where nobody is logged in. */
  token(): string | undefined
  /** Gets another one, by a login for example; resolves to it once `token` gives it. Rejects where there is none to be had. */
  refresh(): Promise<string | undefined>
  /** Default `Authorization`. */
  readonly header?: string
  /** Before the token. Default `Bearer `. */
  readonly prefix?: string
}

/** The token of calls: renewed once however many of them found it no longer valid at the same time. */
export class Auth {
  readonly #options: AuthOptions
  #renewing: Promise<string | undefined> | null = null

  constructor(options: AuthOptions) {
    this.#options = options
  }

  get token(): string | undefined {
    return this.#options.token()
  }

  headersFor(token: string | undefined): Readonly<Record<string, string>> {
    const { header = 'Authorization', prefix = 'Bearer ' } = this.#options
    return token === undefined ? {} : { [header]: prefix + token }
  }

  /** The token to use in place of `refused`; undefined when there is none. */
  async renew(refused: string | undefined): Promise<string | undefined> {
    // Somebody else was quicker.
    const current = this.token
    if (current !== undefined && current !== refused) return current
    this.#renewing ??= this.#options
      .refresh()
      .catch(() => undefined)
      .then((token) => {
        this.#renewing = null
        return token ?? this.token
      })
    const renewed = await this.#renewing
    return renewed === refused ? undefined : renewed
  }
}

/** Whether the server says that the token, and nothing else, is wrong. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'http' && error.status === 401
}
