import { existsSync, readFileSync } from 'node:fs'

/** What a site's backend did with a write, in its order. Times are of the machine's monotonic clock, which all processes share. */
export interface JournalEntry {
  readonly id: number
  /** That it came with; 0: none. */
  readonly epoch: number
  readonly verdict: 'accepted' | 'refused'
  readonly at: number
}

/** What a client saw of one request. */
export interface Attempt {
  readonly kind: 'write' | 'read'
  readonly id: number
  /** The gateway that it was sent to. */
  readonly via: string
  readonly dueAt: number
  readonly sentAt: number
  readonly doneAt: number
  /** Of the answer; 0: none came. */
  readonly status: number
  /** That the write was accepted in, as the backend says. */
  readonly epoch: number
  /** That answered; empty: none. */
  readonly site: string
  /** Why it failed; empty when it went well. */
  readonly error: string
}

/** Milliseconds of the machine's monotonic clock. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function journalLine({ id, epoch, verdict, at }: JournalEntry): string {
  return `${id} ${epoch} ${verdict} ${at}\n`
}

/** A line that was cut off by a kill or a full disk is none. */
export function readJournal(file: string): JournalEntry[] {
  return linesOf(file).flatMap((line) => {
    const [, id, epoch, verdict, at] = /^(\d+) (\d+) (accepted|refused) ([\d.]+)$/.exec(line) ?? []
    if (at === undefined) return []
    return [
      { id: Number(id), epoch: Number(epoch), verdict: verdict as JournalEntry['verdict'], at: Number(at) },
    ]
  })
}

export function readAttempts(file: string): Attempt[] {
  return linesOf(file).map((line) => JSON.parse(line) as Attempt)
}

function linesOf(file: string): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '')
}
