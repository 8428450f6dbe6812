import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { readsJson } from '../record/auto-parser.ts'
import type { LogOrigin } from '../record/log-origin.ts'
import type { LineParser } from '../record/line-parser.ts'
import { ChunkReader, type TextRules } from './chunk-lines.ts'
import { isCompressed } from './rotation-name.ts'

/** Files that are read in one way. */
export interface LogInputOptions extends Omit<TextRules, 'asBytes'> {
  /** Absolute paths with `*`, `**`, `?`, `[…]` and `{…}`. */
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
  readonly parse: LineParser
  /** Of every record from here. */
  readonly origin: LogOrigin
  /** Where a file is begun that was there before Budao first looked. */
  readonly startAt: 'beginning' | 'end'
}

/** Files that are read in one way, and how. */
export class LogInput {
  readonly parse: LineParser
  readonly reader: ChunkReader
  readonly startAt: 'beginning' | 'end'
  readonly lineBytesMax: number
  readonly multilineQuietMs: number | null
  readonly #options: LogInputOptions

  constructor(options: LogInputOptions) {
    this.#options = options
    this.parse = options.parse
    this.reader = new ChunkReader({ ...options, asBytes: readsJson(options.parse) })
    this.startAt = options.startAt
    this.lineBytesMax = options.lineBytesMax
    this.multilineQuietMs = options.multiline?.quietMs ?? null
  }

  /** Files that its patterns name now. */
  files(): string[] {
    const { paths, exclude } = this.#options
    return globSync([...paths], { exclude: [...exclude] })
      .filter((path) => !isCompressed(path))
      .map((path) => resolve(path))
  }

  originOf(path: string): LogOrigin {
    const { resource, attributes } = this.#options.origin
    return { resource, attributes: { ...attributes, 'log.file.path': path } }
  }
}
