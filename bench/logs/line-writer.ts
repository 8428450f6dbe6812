import { appendFileSync, copyFileSync, readdirSync, renameSync, truncateSync } from 'node:fs'
import { join } from 'node:path'

/** A line of this number. */
export function numberedLine(number: number): string {
  return `line ${number} end`
}

const padding = 'x'.repeat(60)

/** The same as long as lines of programs are, with its end. */
export function paddedLine(number: number): string {
  return `line ${number} ${padding} end\n`
}

/** The number of either; -1 for what is none. */
export function lineNumber(text: string): number {
  return Number(/^line (\d+) (?:x{60} )?end$/.exec(text)?.[1] ?? -1)
}

/** Writes numbered lines in pieces that end anywhere, and rotates now and then. */
export class LineWriter {
  lines = 0
  rotations = 0
  readonly #path: string
  readonly #random: () => number
  /** Of the last piece, what is missing to its line end. */
  #rest = ''

  constructor(path: string, random: () => number) {
    this.#path = path
    this.#random = random
  }

  write(): void {
    let text = this.#rest
    const count = 1 + Math.floor(this.#random() * 200)
    for (let index = 0; index < count; index++) text += `${numberedLine(this.lines++)}\n`
    const cut = this.#random() < 0.3 ? text.length - 1 - Math.floor(this.#random() * 8) : text.length
    appendFileSync(this.#path, text.slice(0, cut))
    this.#rest = text.slice(cut)
    if (this.#rest === '' && this.#random() < 0.1) this.#rotate()
  }

  /** The first line, alone. */
  async begin(stored: () => Promise<void>): Promise<void> {
    appendFileSync(this.#path, `${numberedLine(this.lines++)}\n`)
    await stored()
  }

  finish(): void {
    if (this.#rest !== '') appendFileSync(this.#path, this.#rest)
    this.#rest = ''
  }

  #rotate(): void {
    shiftGenerations(this.#path)
    // Nobody writes meanwhile, so nothing need be lost by either way.
    if (this.#random() < 0.3) {
      copyFileSync(this.#path, `${this.#path}.1`)
      truncateSync(this.#path)
    } else {
      renameSync(this.#path, `${this.#path}.1`)
      appendFileSync(this.#path, '')
    }
    this.rotations++
  }
}

/** `app.log.1` becomes `app.log.2`, and so on. */
export function shiftGenerations(path: string): void {
  const generations = readdirSync(join(path, '..'))
    .map((name) => Number(/^app\.log\.(\d+)$/.exec(name)?.[1] ?? 0))
    .filter((generation) => generation > 0)
  for (const generation of generations.toSorted((a, b) => b - a))
    renameSync(`${path}.${generation}`, `${path}.${generation + 1}`)
}
