import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { tempDir } from '@budao/testkit'
import { autoParser } from '../record/auto-parser.ts'
import { LogDecoder } from '../store/log-decoder.ts'
import { LogStore } from '../store/log-store.ts'
import { readLog } from '../store/segment-reader.ts'
import { LogInput, type LogInputOptions } from './log-input.ts'
import { LogPipeline } from './log-pipeline.ts'

/** A pipeline over a folder of logs, with a clock that a test moves; restarted as often as it likes. */
export class TestIntake {
  readonly logs: string
  readonly folder: string
  readonly #options: Partial<LogInputOptions>
  #store: LogStore | null = null
  #pipeline: LogPipeline | null = null
  #now = 0
  readonly warnings: string[] = []

  constructor(t: TestContext, options: Partial<LogInputOptions> = {}) {
    const dir = tempDir(t)
    this.logs = join(dir, 'logs')
    this.folder = join(dir, 'store')
    mkdirSync(this.logs)
    this.#options = options
    t.after(() => this.stop())
  }

  get pipeline(): LogPipeline {
    return this.#pipeline ?? this.start()
  }

  start(): LogPipeline {
    this.#store = LogStore.open({
      folder: this.folder,
      ageMax: Infinity,
      bytesMax: Infinity,
      segmentBytes: 65_536,
      now: Date.now,
      warn: (message) => this.warnings.push(message),
    })
    const input = new LogInput({
      paths: [join(this.logs, '*.log')],
      exclude: [],
      parse: autoParser,
      origin: { resource: { 'service.name': 'shop' }, attributes: {} },
      startAt: 'beginning',
      encoding: 'utf-8',
      lineBytesMax: 4_096,
      multiline: null,
      ...this.#options,
    })
    this.#pipeline = new LogPipeline(this.#store, [input], {
      now: () => this.#now,
      wallNow: Date.now,
      hasRoom: () => true,
    })
    return this.#pipeline
  }

  stop(): void {
    this.#pipeline?.close()
    this.#store?.close()
    this.#pipeline = this.#store = null
  }

  /** Lets time pass, and reads until there is nothing to read. */
  run(ms = 1_000): void {
    const { pipeline } = this
    this.#now += ms
    for (let idle = 0; idle < 2;) {
      pipeline.wake()
      idle = pipeline.turn() === 'idle' ? idle + 1 : 0
    }
  }

  /** The messages of all records, in order. */
  bodies(): string[] {
    const decoder = new LogDecoder(this.folder)
    const bodies: string[] = []
    for (let place = { segment: 0, offset: 0 }; ;) {
      const piece = readLog(this.folder, place)
      if (piece === null) return bodies
      bodies.push(...decoder.records(piece).map(({ body }) => body))
      place = piece.next
    }
  }
}
