import { whatToDo, type AdminClient } from './admin-client.ts'
import { matchersOf } from './alert-state.ts'
import { part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'
import { el } from './element.ts'
import { patch } from './patch.ts'
import { knownName, rememberName } from './person-name.ts'

/** Asks who, why, and for how long, before an alert is acknowledged or silenced. */
export class AlertDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('alert') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!
  readonly #matchers = part('alert-matchers') as HTMLTextAreaElement
  /** Name and fingerprint of the alert that is acknowledged; null: something is silenced. */
  #seen: { readonly name: string; readonly fingerprint: string } | null = null

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#confirm()
    })
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
  }

  /** A button of the page of alerts, or another one: then nothing happens. */
  pressed({ alertWish, alertName = '', fingerprint = '', labels, silenceEnd }: DOMStringMap): void {
    if (silenceEnd !== undefined) void this.#end(silenceEnd)
    if (alertWish === 'acknowledge') this.#open({ name: alertName, fingerprint }, [])
    if (alertWish === 'silence') {
      const given = labels === undefined ? {} : (JSON.parse(labels) as Record<string, string>)
      this.#open(null, matchersOf({ labels: given }), alertName)
    }
  }

  #open(seen: { name: string; fingerprint: string } | null, matchers: readonly string[], name = ''): void {
    const words = this.#context.words()
    this.#seen = seen
    this.#form.reset()
    part('alert-title').textContent =
      seen !== null
        ? words.alertAckOf(seen.name)
        : name === ''
          ? words.alertSilenceNew
          : words.alertSilenceOf(name)
    part('alert-hint').textContent = seen === null ? words.alertSilenceHint : words.alertAckHint
    part('alert-silence').hidden = seen !== null
    this.#matchers.value = matchers.join('\n')
    this.#matchers.required = seen === null
    patch(
      part('alert-for'),
      Object.entries(words.alertFors).map(([value, text]) =>
        el('option', { value, 'data-key': value }, text),
      ),
    )
    this.#field('for').value = '2h'
    this.#field('by').value = knownName()
    this.#field('reason').required = seen === null
    part('alert-problem').textContent = ''
    this.#dialog.showModal()
  }

  async #confirm(): Promise<void> {
    const seen = this.#seen
    const words = this.#context.words()
    const [by, reason] = [this.#field('by').value.trim(), this.#field('reason').value.trim()]
    const button = this.#form.querySelector<HTMLButtonElement>('[type=submit]')!
    rememberName(by)
    button.disabled = true
    try {
      if (seen === null) {
        const matchers = this.#matchers.value
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '')
        await this.#client.post('/api/v1/alerts/silences', {
          ...{ matchers, for: this.#field('for').value, by, reason },
        })
      } else {
        const why = reason === '' ? {} : { reason }
        await this.#client.post('/api/v1/alerts/acknowledge', { alert: seen.fingerprint, by, ...why })
      }
      this.#dialog.close()
      this.#context.changed(seen === null ? words.alertSilenced : words.alertAcked(seen.name))
    } catch (error) {
      if (this.#context.refused(error)) return
      part('alert-problem').textContent = whatToDo(error)
    } finally {
      button.disabled = false
    }
  }

  async #end(id: string): Promise<void> {
    try {
      await this.#client.delete(`/api/v1/alerts/silences/${encodeURIComponent(id)}`)
      this.#context.changed(this.#context.words().alertUnsilenced)
    } catch (error) {
      if (!this.#context.refused(error)) this.#context.failed(error)
    }
  }

  #field(name: string): HTMLInputElement {
    return this.#form.querySelector<HTMLInputElement>(`[name=${name}]`)!
  }
}
