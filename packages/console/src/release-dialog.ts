import type { RolloutAction } from '@budao/model'
import { whatToDo, type AdminClient } from './admin-client.ts'
import { part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'
import { knownName, rememberName } from './person-name.ts'

/** Asks who and why, before a release gets a share, or loses it. */
export class ReleaseDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('release') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!
  #action: RolloutAction = 'start'
  #name = ''

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#confirm()
    })
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
  }

  /** Opens where a button of a release was pressed. */
  pressed({ releaseWish, releaseName }: DOMStringMap): void {
    if (releaseWish === undefined || releaseName === undefined) return
    const words = this.#context.words()
    const action = releaseWish as RolloutAction
    this.#action = action
    this.#name = releaseName
    this.#form.reset()
    part('release-title').textContent = words.releaseDo(action, releaseName)
    part('release-hint').textContent = words.releaseHints[action]
    part('release-problem').textContent = ''
    this.#form.querySelector<HTMLInputElement>('[name=by]')!.value = knownName()
    this.#dialog.showModal()
  }

  async #confirm(): Promise<void> {
    const [action, name] = [this.#action, this.#name]
    const button = this.#form.querySelector<HTMLButtonElement>('[type=submit]')!
    const by = this.#form.querySelector<HTMLInputElement>('[name=by]')!.value.trim()
    const reason = this.#form.querySelector<HTMLInputElement>('[name=reason]')!.value.trim()
    rememberName(by)
    button.disabled = true
    try {
      const path = `/api/v1/rollouts/${encodeURIComponent(name)}`
      await this.#client.post(path, { action, by, reason })
      this.#dialog.close()
      this.#context.changed(this.#context.words().releaseDone(action, name))
    } catch (error) {
      if (this.#context.refused(error)) return
      part('release-problem').textContent = whatToDo(error)
    } finally {
      button.disabled = false
    }
  }
}
