import type { Note, NoteKind } from './imported.ts'

/** Where something stands. */
export interface Place {
  readonly file: string
  readonly line: number
}

/** What an import has to say beside the configuration, in the order of the file, each once. */
export class Notes {
  readonly #notes: Note[] = []
  readonly #seen: Set<string> = new Set()

  add(kind: NoteKind, { file, line }: Place, text: string, reason: string): void {
    const key = JSON.stringify([file, line, text, reason])
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#notes.push({ file, line, text, kind, reason })
  }

  list(): Note[] {
    const files = [...new Set(this.#notes.map(({ file }) => file))]
    return this.#notes.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
  }
}
