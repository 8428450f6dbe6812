import { watch, type FSWatcher } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSnapshot, formatProblem, type Config, type Snapshot } from '@budao/model'
import { ruleProblems } from './alerts/rule-problems.ts'
import { analysisProblems } from './rollout/analysis-problems.ts'
import { formatNote } from './import/note-text.ts'
import { parseSource } from './import/source.ts'
import { parseConfigAside, parseSnapshotAside } from './parse-aside.ts'

/** Editors write a file in several steps: what is read within this time of a change may be half of it. */
const SETTLE_MS = 100
/** A file that goes on changing is refused as it is after so many looks. */
const READS_MAX = 10

export type ReadResult =
  | { readonly ok: true; readonly snapshot: Snapshot; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/**
 * Where snapshots come from: a configuration file that is read again when it changes. Each one that came into force is
 * kept in `dataDir/snapshot.json`, so that a gateway can start with its last good one.
 */
export class ConfigSource {
  readonly path: string
  readonly #name: string
  readonly #beside: readonly string[]
  #version = 0
  #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined

  /** `name` is what problems are reported with; `beside` are files of other programs, as `FILE` or `KIND:FILE`. */
  constructor(path: string, name: string, beside: readonly string[] = []) {
    this.path = path
    this.#name = name
    this.#beside = beside
  }

  get baseDir(): string {
    return dirname(this.path)
  }

  /** What is refused while a file is being written, which SIGHUP or an earlier change may make somebody look at, is read again. */
  async read(): Promise<ReadResult> {
    for (let reads = 1; ; reads++) {
      const before = await this.#writtenState()
      const result = await this.#readOnce()
      if (result.ok || reads === READS_MAX) return result
      await sleep(SETTLE_MS)
      if ((await this.#writtenState()) === before) return result
    }
  }

  /** Another one after each write to one of the files. */
  async #writtenState(): Promise<string> {
    const states = this.#files().map((file) =>
      stat(file).then(
        ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
        () => '',
      ),
    )
    return (await Promise.all(states)).join('\n')
  }

  #files(): string[] {
    return [this.path, ...this.#beside.map((source) => resolve(parseSource(source).file))]
  }

  async #readOnce(): Promise<ReadResult> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      return { ok: false, problems: [`${this.#name}: cannot be read: ${(error as Error).message}`] }
    }
    const { parsed, notes } = await parseConfigAside(text, this.#name, this.#beside)
    const problems = parsed.ok
      ? [
          ...(await ruleProblems(parsed.config, this.baseDir, text, this.#name)),
          ...(await analysisProblems(parsed.config, text, this.#name)),
        ]
      : parsed.problems
    if (!parsed.ok || problems.length > 0) return { ok: false, problems: problems.map(formatProblem) }
    const snapshot = createSnapshot(parsed.config, this.#name, this.#version, Date.now())
    const told = notes.filter(({ kind }) => kind !== 'default').map((note) => formatNote(note))
    return { ok: true, snapshot, warnings: [...told, ...parsed.warnings.map(formatProblem)] }
  }

  /** The first snapshot of a process: its number goes on where the kept one ends, since a gateway never goes back. */
  async renumber(snapshot: Snapshot): Promise<Snapshot> {
    const kept = await this.lastGood(snapshot.config).catch(() => null)
    this.#version = kept?.version ?? 0
    return { ...snapshot, version: this.#version + 1 }
  }

  /** Says that this snapshot is in force, and keeps it. */
  async keep(snapshot: Snapshot): Promise<void> {
    this.#version = snapshot.version
    const file = this.#snapshotFile(snapshot.config)
    await mkdir(dirname(file), { recursive: true })
    const draft = `${file}.${process.pid}.tmp`
    await writeFile(draft, JSON.stringify(snapshot))
    await rename(draft, file)
  }

  /** The snapshot kept last. Rejects when there is none or it cannot be used. */
  async lastGood(config: Pick<Config, 'dataDir'>): Promise<Snapshot> {
    const text = await readFile(this.#snapshotFile(config), 'utf8')
    return parseSnapshotAside(text)
  }

  /** Calls `onChange` after each change of a file. Folders are watched: editors replace files. */
  watch(onChange: () => void): void {
    const files = this.#files()
    for (const folder of new Set(files.map((file) => dirname(file)))) {
      const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)))
      const watcher = watch(folder, (_event, changed) => {
        if (changed !== null && !names.has(changed)) return
        clearTimeout(this.#timer)
        this.#timer = setTimeout(onChange, SETTLE_MS)
      })
      // A folder that is taken away ends the watching, not the gateway; SIGHUP and the API still reload.
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers) watcher.close()
  }

  #snapshotFile(config: Pick<Config, 'dataDir'>): string {
    return join(resolve(this.baseDir, config.dataDir), 'snapshot.json')
  }
}
