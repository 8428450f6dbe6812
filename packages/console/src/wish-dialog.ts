import type { UnitReport } from '@budao/model'
import { Refusal, whatToDo, type AdminClient } from './admin-client.ts'
import { part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'
import { patch } from './patch.ts'
import { knownName, rememberName } from './person-name.ts'
import { el } from './element.ts'
import { whyView } from './why-view.ts'
import type { Words } from './words.ts'

/** What a person may want of a unit. */
export type UnitWishKind = 'why' | 'move' | 'failback' | 'acknowledge' | 'automation'

/** Asks how and why, before a unit is moved, acknowledged, or its automation is set. */
export class WishDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('wish') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!
  readonly #why = part('why') as HTMLDialogElement
  #kind: UnitWishKind = 'why'
  #report: UnitReport | null = null

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#confirm()
    })
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
    this.#why.querySelector('[value=cancel]')!.addEventListener('click', () => this.#why.close())
  }

  open(kind: UnitWishKind, report: UnitReport): void {
    const words = this.#context.words()
    this.#kind = kind
    this.#report = report
    if (kind === 'why') {
      part('why-title').textContent = words.whyOf(report.unit)
      patch(part('why-votes'), whyView(report, words))
      return this.#why.showModal()
    }
    this.#form.reset()
    part('wish-title').textContent = titleOf(kind, report, words)
    part('wish-hint').textContent =
      kind === 'failback' ? words.failbackHint : kind === 'acknowledge' ? words.ackHint : ''
    part('wish-problem').textContent = ''
    part('wish-move').hidden = kind !== 'move'
    part('wish-automation').hidden = kind !== 'automation'
    // Only a refusal shows it: nobody should tick it on the way.
    part('wish-force').hidden = true
    const others = report.sites.filter((site) => site !== report.owner)
    patch(
      part('wish-to'),
      others.map((site) => el('option', { value: site, 'data-key': site }, site)),
    )
    for (const [name, value] of [
      ['automation', report.automation],
      ['kind', 'switchover'],
    ]) {
      const choice = this.#form.querySelector<HTMLInputElement>(`[name=${name}][value=${value}]`)
      if (choice !== null) choice.checked = true
    }
    this.#form.querySelector<HTMLInputElement>('[name=by]')!.value = knownName()
    this.#dialog.showModal()
  }

  async #confirm(): Promise<void> {
    const report = this.#report!
    const data = new FormData(this.#form)
    const button = this.#form.querySelector<HTMLButtonElement>('[type=submit]')!
    const by = this.#form.querySelector<HTMLInputElement>('[name=by]')!.value.trim()
    const reason = data.get('reason')
    rememberName(by)
    button.disabled = true
    try {
      await this.#client.post(...question(this.#kind, report, data, { by, reason }))
      this.#dialog.close()
      this.#context.changed(this.#context.words().wishTaken(report.unit))
    } catch (error) {
      if (this.#context.refused(error)) return
      part('wish-problem').textContent = whatToDo(error)
      const failing = this.#kind === 'move' && data.get('kind') === 'failover'
      if (failing && error instanceof Refusal && error.code === 'wish-refused')
        part('wish-force').hidden = false
    } finally {
      button.disabled = false
    }
  }
}

function question(
  kind: UnitWishKind,
  { unit, sites: [home] }: UnitReport,
  data: FormData,
  who: object,
): [path: string, body: object] {
  const path = `/api/v1/failover/units/${encodeURIComponent(unit)}`
  switch (kind) {
    case 'move': {
      const force = data.get('force') === 'on'
      return [`${path}/move`, { kind: data.get('kind'), to: data.get('to'), force, ...who }]
    }
    case 'failback':
      return [`${path}/move`, { kind: 'failback', to: home, ...who }]
    case 'automation':
      return ['/api/v1/failover/automation', { unit, automation: data.get('automation'), ...who }]
    case 'acknowledge':
    case 'why':
      return [`${path}/acknowledge`, who]
  }
}

function titleOf(kind: UnitWishKind, { unit, sites: [home = ''] }: UnitReport, words: Words): string {
  switch (kind) {
    case 'why':
      return words.whyOf(unit)
    case 'move':
      return words.moveOf(unit)
    case 'failback':
      return words.failbackOf(unit, home)
    case 'acknowledge':
      return words.ackOf(unit)
    case 'automation':
      return words.automationOf(unit)
  }
}
