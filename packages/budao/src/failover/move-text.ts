import type { FailoverRun, UnitReport } from '@budao/model'

/** Milliseconds as a person reads them: `80 ms`, `2.6 s`, `4 min`. */
export function span(ms: number): string {
  if (ms < 995) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

/** What may be missing after a move. */
export function lossText(lossMs: number | null): string {
  if (lossMs === null) return 'what of the last writes is missing is not known'
  return lossMs === 0 ? 'nothing acknowledged is lost' : `writes of the last ${span(lossMs)} may be missing`
}

/** How a move ended, in one line. */
export function endText({
  unit,
  run,
  epoch,
  owner,
}: Pick<UnitReport, 'unit' | 'run' | 'epoch' | 'owner'>): string {
  if (run === null || run.outcome === null)
    return `${unit} is at ${owner ?? 'no site'}, epoch ${epoch ?? '-'}`
  const took = span(run.steps.at(-1)?.atMs ?? 0)
  return run.outcome === 'done'
    ? `${unit} is at ${run.to}, epoch ${epoch ?? '-'}, after ${took}; ${lossText(run.lossMs)}`
    : `${unit} stays at ${run.from}, epoch ${epoch ?? '-'}: the move was taken back after ${took}`
}

/** Prints each step of a move once. */
export class StepLines {
  #shown = 0
  #run = ''
  #waiting = ''

  /** Lines that are new since the last call. */
  next({ unit, run, why }: UnitReport, isOurs: (run: FailoverRun) => boolean): string[] {
    if (run === null || !isOurs(run)) {
      const text = why?.code === 'queued' ? `${unit}: ${why.message}, and waits for its turn` : ''
      if (text === this.#waiting || text === '') return []
      this.#waiting = text
      return [text]
    }
    const lines: string[] = []
    if (this.#run !== run.id) {
      lines.push(`${unit}: ${run.kind} from ${run.from} to ${run.to}, run ${run.id}`)
      this.#run = run.id
    }
    for (const { step, atMs } of run.steps.slice(this.#shown))
      lines.push(`  ${`+${span(atMs)}`.padStart(9)}  ${step}`)
    this.#shown = run.steps.length
    return lines
  }
}
