import type { DrainTarget, GatewayReport } from '@budao/model'
import { Refusal, type AdminClient } from './admin-client.ts'
import { part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'

/** Whether a person drains exactly this: a site, or an endpoint by itself. */
export function isDrained(report: GatewayReport | null, target: DrainTarget): boolean {
  const drains = report?.drains ?? []
  if ('site' in target) return drains.some(({ site }) => site === target.site)
  return drains.some(
    ({ endpoint, service }) => endpoint === target.endpoint && service === (target.service ?? null),
  )
}

/** Asks why a site or an endpoint is to be drained or put back, before anything is done. */
export class DrainDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('drain') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!
  #target: DrainTarget = { site: '' }
  #undo = false

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#confirm()
    })
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
  }

  open(target: DrainTarget): void {
    const words = this.#context.words()
    this.#target = target
    this.#undo = isDrained(this.#context.report(), target)
    this.#form.reset()
    part('drain-title').textContent = this.#undo
      ? words.undrainOf(nameOf(target))
      : words.drainOf(nameOf(target))
    part('drain-problem').textContent = ''
    // Only a refusal shows it: nobody should tick it on the way.
    part('drain-force').hidden = true
    this.#dialog.showModal()
  }

  async #confirm(): Promise<void> {
    const data = new FormData(this.#form)
    const button = this.#form.querySelector<HTMLButtonElement>('[type=submit]')!
    const force = data.get('force') === 'on'
    button.disabled = true
    try {
      const reason = data.get('reason')
      await this.#client.post('/api/v1/drains', { ...this.#target, reason, force, undo: this.#undo })
      this.#dialog.close()
      const words = this.#context.words()
      this.#context.changed(
        this.#undo ? words.undrained(nameOf(this.#target)) : words.drained(nameOf(this.#target)),
      )
    } catch (error) {
      if (this.#context.refused(error)) return
      part('drain-problem').textContent = error instanceof Error ? error.message : String(error)
      if (error instanceof Refusal && error.code === 'last-usable') part('drain-force').hidden = false
    } finally {
      button.disabled = false
    }
  }
}

function nameOf(target: DrainTarget): string {
  return 'site' in target ? target.site : target.endpoint
}
