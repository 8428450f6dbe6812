import type { Sink } from './output.ts'

/** A terminal: how large it is, and a place to write. */
export interface Terminal extends Sink {
  readonly columns?: number
  readonly rows?: number
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'

/**
 * A text that is drawn again and again in one place: on a screen of its own, so that what was on the terminal before is there
 * again afterwards. Line by line over what stands there, for clearing first would flicker.
 */
export class LiveScreen {
  readonly #terminal: Terminal
  #open = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  draw(text: string): void {
    const enter = this.#open ? '' : ENTER
    this.#open = true
    this.#terminal.write(enter + frame(text, this.#terminal.rows ?? 24))
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (this.#open) this.#terminal.write(LEAVE)
    this.#open = false
  }
}

/** One picture of `rows` lines: what does not fit is left out, and the last line says how much that is. */
export function frame(text: string, rows: number): string {
  const lines = text.split('\n')
  const shown = lines.length <= rows ? lines : lines.slice(0, Math.max(0, rows - 1))
  if (shown.length < lines.length)
    shown.push(`… ${lines.length - shown.length} more lines: a taller window shows them`)
  // Each line erases what is left of the one before; the rest of the screen goes at the end.
  return `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`
}
