import type { ProcessPhase, ProcessReport } from '@budao/model'
import { formatTable } from '../output.ts'
import type { Colour, Paint } from '../output.ts'

const width = 80

const colours: Readonly<Record<ProcessPhase, Colour>> = {
  stopped: 'dim',
  waiting: 'yellow',
  starting: 'yellow',
  running: 'green',
  stopping: 'yellow',
  clearing: 'yellow',
  'backing-off': 'red',
  'crash-loop': 'red',
}

/** All is as it is wanted: what is to run is ready, and what is not does not. */
export function isAsWanted({ state, wanted }: ProcessReport): boolean {
  return wanted ? state === 'running' : state === 'stopped'
}

/** A row for each process, and below them why some are not as they are to be. */
export function processTable(processes: readonly ProcessReport[], paint: Paint): string {
  const rows = processes.map((each) => [
    each.name,
    paint(colours[each.state], each.state),
    short(each.upMs ?? each.sinceMs),
    each.pid === null ? '' : String(each.pid),
    String(each.restarts),
    each.memoryBytes === null ? '' : `${Math.round(each.memoryBytes / 1_048_576)} MiB`,
    each.service ?? each.node ?? '',
    lastExit(each),
  ])
  const left = (title: string) => ({ title })
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    left('PROCESS'),
    left('STATE'),
    right('FOR'),
    right('PID'),
    right('RESTARTS'),
    right('MEMORY'),
    left('SERVES'),
    left('LAST END'),
  ]
  const reasons = processes
    .filter((each) => !isAsWanted(each) && each.why !== '')
    .map(({ name, why, nextMs, state }) => {
      const next = state === 'backing-off' && nextMs !== null ? `; again in ${short(nextMs)}` : ''
      return cut(`${name}: ${why}${next}`)
    })
  const loops = processes
    .filter(({ state }) => state === 'crash-loop')
    .map(({ name }) => cut(`when it is mended: budao agent restart ${name}`))
  return [formatTable(columns, rows, width), ...[...reasons, ...loops].map((line) => `  ${line}`)].join('\n')
}

function lastExit({ lastExit: exit }: ProcessReport): string {
  if (exit === null) return ''
  const how = exit.signal ?? (exit.code === null ? '' : `code ${exit.code}`)
  return exit.cause === 'itself' ? how || 'unseen' : exit.cause
}

function cut(line: string): string {
  return line.length <= width - 2 ? line : `${line.slice(0, width - 3)}…`
}

/** In its two largest units: `400ms`, `5s`, `1m1s`, `3d2h`. */
function short(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const
  let seconds = Math.round(ms / 1_000)
  const parts = units.map(([unit, of]) => {
    const count = Math.floor(seconds / of)
    seconds -= count * of
    return count === 0 ? '' : `${count}${unit}`
  })
  const first = parts.findIndex((part) => part !== '')
  return parts.slice(first, first + 2).join('')
}
