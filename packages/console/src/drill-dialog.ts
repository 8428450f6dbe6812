import type { DrillReadiness, DrillScenario } from '@budao/model'
import { Refusal, type AdminClient } from './admin-client.ts'
import { part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'
import { el } from './element.ts'
import { patch } from './patch.ts'

/** By name, so that a scenario that is new is not forgotten here. */
const scenarios: Readonly<Record<DrillScenario, true>> = {
  'process-kill': true,
  hang: true,
  'site-loss': true,
  'black-hole': true,
  'one-way-partition': true,
  'slow-backend': true,
  'controller-loss': true,
  'leader-loss': true,
  'control-partition': true,
  'control-one-way': true,
  'dns-loss': true,
}

/** Looks whether a drill is ready, and begins it once its site was named. */
export class DrillDialog {
  readonly #client: AdminClient
  readonly #context: DialogContext
  readonly #dialog = part('drill') as HTMLDialogElement
  readonly #form = this.#dialog.querySelector('form')!

  constructor(client: AdminClient, context: DialogContext) {
    this.#client = client
    this.#context = context
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#send(false)
    })
    part('drill-look').addEventListener('click', () => void this.#send(true))
    this.#dialog.querySelector('[value=cancel]')!.addEventListener('click', () => this.#dialog.close())
  }

  open(): void {
    this.#form.reset()
    const option = (value: string) => el('option', { value, 'data-key': value }, value)
    patch(part('drill-scenario'), Object.keys(scenarios).map(option))
    patch(
      part('drill-site'),
      (this.#context.report()?.sites ?? []).map(({ name }) => option(name)),
    )
    this.#tell([])
    this.#dialog.showModal()
  }

  async #send(dryRun: boolean): Promise<void> {
    const words = this.#context.words()
    const given = new FormData(this.#form)
    const text = (name: string): string => {
      const value = given.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    const force = text('force')
    const wish = {
      ...{ scenario: text('scenario'), site: text('site'), path: text('path'), by: text('by') || 'operator' },
      ...(force === '' ? {} : { force }),
      ...(dryRun ? {} : { dryRun, confirm: text('confirm') }),
    }
    try {
      const answer = await this.#client.post<DrillReadiness & { started: boolean }>(
        '/api/v1/drills/start',
        wish,
      )
      if (answer.started) {
        this.#dialog.close()
        return this.#context.changed(words.drillBegun)
      }
      const bad = answer.checks.filter(({ ready }) => !ready)
      const found = bad.map((check) => words.drillTodo(check.found, check.todo))
      if (answer.problem !== '') return this.#tell([answer.problem])
      this.#tell(found.length > 0 ? found : [words.drillReady], found.length === 0)
    } catch (error) {
      if (this.#context.refused(error)) return this.#dialog.close()
      const hint = error instanceof Refusal ? error.hint : ''
      this.#tell([error instanceof Error ? error.message : String(error), hint].filter(Boolean))
    }
  }

  #tell(lines: readonly string[], good = false): void {
    part('drill-found').classList.toggle('problem', !good)
    patch(
      part('drill-found'),
      lines.map((line, index) => el('li', { 'data-key': String(index) }, line)),
    )
  }
}
