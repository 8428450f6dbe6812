import type { CurrentDrillReport, DrillReadiness, DrillWish } from '@budao/model'
import { checkDrill, DrillProcess } from './drill-process.ts'
import type { DrillOutcome } from './drill-process.ts'

/** The drill that a person began over the API: one at a time, watched and ended from here. */
export class DrillByHand {
  #process: DrillProcess | null = null
  #wish: DrillWish | null = null
  #at = ''
  #outcome: DrillOutcome | null = null

  /** While it runs and afterwards; null: none was begun. */
  get report(): CurrentDrillReport | null {
    const wish = this.#wish
    if (wish === null || this.#process === null) return null
    const { scenario, site, by } = wish
    const { outcome = null, about = null } = this.#outcome ?? {}
    return { scenario, site, by, at: this.#at, progress: this.#process.progress, outcome, about }
  }

  /** False while one runs. */
  start(wish: DrillWish, file: string, folder: string): boolean {
    if (this.#process !== null && this.#outcome === null) return false
    const process = new DrillProcess(wish, file, folder)
    this.#process = process
    this.#wish = wish
    this.#at = new Date().toISOString()
    this.#outcome = null
    void process.ended.then((outcome) => (this.#outcome = outcome))
    return true
  }

  /** False where none runs. */
  abort(): boolean {
    const running = this.#process !== null && this.#outcome === null
    if (running) this.#process!.abort()
    return running
  }

  async check(wish: DrillWish, file: string, folder: string): Promise<DrillReadiness> {
    try {
      const { ready, checks } = (await checkDrill(wish, file, folder)) as Omit<DrillReadiness, 'problem'>
      return { ready, checks, problem: '' }
    } catch (error) {
      return { ready: false, checks: [], problem: (error as Error).message }
    }
  }
}
