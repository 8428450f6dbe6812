import type { TestIdentityConfig } from '@budao/model'
import type { IdentityProvider, LoginOutcome } from './identity.ts'

/** Takes codes that tests make up. */
export class TestIdentity implements IdentityProvider {
  readonly #code: RegExp

  constructor({ code }: TestIdentityConfig) {
    this.#code = new RegExp(`^(?:${code})$`, 'u')
  }

  login(code: string): Promise<LoginOutcome> {
    const match = this.#code.exec(code)
    const id = match?.groups?.['user'] ?? match?.[0]
    return Promise.resolve(
      id === undefined
        ? { kind: 'refused', code: 'login_code_invalid', reason: 'the code does not match' }
        : { kind: 'user', realm: 'test', id },
    )
  }

  close(): void {}
}
