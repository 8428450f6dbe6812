import type { BreakerStateName, GatewayReport } from '@budao/model'
import type { AdminClient } from './admin-client.ts'
import { isLastUsable } from './page-state.ts'
import type { Words } from './words.ts'

/** An element of the page by its id. Throws when the page has none: that is a bug of the page. */
export function part(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no element ${id}`)
  return element
}

/** What a dialog that changes something needs of the page. */
export interface DialogContext {
  readonly words: () => Words
  readonly report: () => GatewayReport | null
  /** Takes refusals that ask for a token; says whether it did. */
  readonly refused: (error: unknown) => boolean
  readonly changed: (text: string) => void
  /** Shows why something was not done. */
  readonly failed: (error: unknown) => void
}

type Target = 'open' | 'closed' | 'auto'

const stateAfter: { readonly [target in Exclude<Target, 'auto'>]: BreakerStateName } = {
  open: 'forced-open',
  closed: 'forced-closed',
}

/** Asks what to do with a breaker, and why, before anything is done. */
export class BreakerDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('breaker') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!
  #service = ''
  #endpoint: string | undefined

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#confirm()
    })
    this.#form.addEventListener('change', () => this.#warn())
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
  }

  open(service: string, endpoint: string | undefined): void {
    this.#service = service
    this.#endpoint = endpoint
    this.#form.reset()
    part('breaker-title').textContent = this.#context.words().changeBreaker(endpoint ?? service)
    part('breaker-problem').textContent = ''
    this.#warn()
    this.#dialog.showModal()
  }

  #target(): Target | null {
    return new FormData(this.#form).get('to') as Target | null
  }

  #warn(): void {
    const last =
      this.#target() === 'open' && isLastUsable(this.#context.report(), this.#service, this.#endpoint)
    part('breaker-warning').textContent = last ? `▲ ${this.#context.words().lastUsable}` : ''
  }

  async #confirm(): Promise<void> {
    const to = this.#target()
    const reason = new FormData(this.#form).get('reason')
    const button = this.#form.querySelector<HTMLButtonElement>('[type=submit]')!
    const endpoint = this.#endpoint === undefined ? {} : { endpoint: this.#endpoint }
    if (to === null) return
    button.disabled = true
    try {
      const path = `/api/v1/services/${encodeURIComponent(this.#service)}/breaker`
      await this.#client.post(path, { to, reason, ...endpoint })
      this.#dialog.close()
      const words = this.#context.words()
      this.#context.changed(
        words.changed(this.#endpoint ?? this.#service, to === 'auto' ? 'auto' : words.states[stateAfter[to]]),
      )
    } catch (error) {
      if (this.#context.refused(error)) return
      part('breaker-problem').textContent = error instanceof Error ? error.message : String(error)
    } finally {
      button.disabled = false
    }
  }
}

/** Asks for a token, and keeps it for this tab. */
export class TokenDialog {
  readonly #dialog = part('token') as HTMLDialogElement

  constructor(client: AdminClient, entered: () => void) {
    const form = this.#dialog.querySelector('form')!
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      client.token = form.querySelector('input')!.value.trim()
      form.reset()
      this.#dialog.close()
    })
    // Escape closes it too: then the page asks again, and asks for a token again.
    this.#dialog.addEventListener('close', entered)
  }

  open(problem: string): void {
    part('token-problem').textContent = problem
    if (!this.#dialog.open) this.#dialog.showModal()
  }
}
