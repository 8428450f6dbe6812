import { say } from './options.ts'

/** Collects what must hold, prints each with its figures, and becomes the exit code. */
export class Verdict {
  #failed = 0

  /** `seen` is printed either way: a pass without figures convinces nobody. */
  expect(holds: boolean, what: string, seen: string): void {
    if (!holds) this.#failed++
    say(`${holds ? 'ok    ' : 'FAILED'}  ${what}: ${seen}`)
  }

  get exitCode(): 0 | 1 {
    return this.#failed === 0 ? 0 : 1
  }
}
