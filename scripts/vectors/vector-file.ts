import { readFileSync } from 'node:fs'

export interface BreakerEvent {
  readonly t: number
  readonly op: string
  readonly outcome?: string
  readonly n?: number
  readonly id?: string
  readonly durationMs?: number
  /** Of `force`: open, closed or auto. */
  readonly to?: string
  readonly expect?: Readonly<Record<string, unknown>>
}

export interface BreakerVector {
  readonly shape: 'breaker'
  readonly id: string
  readonly tier: string
  readonly semantics: string
  readonly config: Readonly<Record<string, unknown>>
  readonly events: readonly BreakerEvent[]
}

export interface PriorityVector {
  readonly shape: 'priority'
  readonly id: string
  readonly config: Readonly<Record<string, unknown>>
  readonly healthy: readonly number[]
  readonly degraded?: readonly number[]
  readonly total: readonly number[]
  readonly expect: Readonly<Record<string, unknown>>
}

export type Vector = BreakerVector | PriorityVector

export interface Mismatch {
  /** Where in the vector: `event 3 (t=5000 call)`. */
  readonly at: string
  readonly expected: string
  readonly seen: string
}

export interface Replay {
  readonly failures: readonly Mismatch[]
  readonly notes: readonly string[]
}

/** The file cannot be read, or a line of it is no vector; the message says which. */
export class VectorFileError extends Error {
  override readonly name = 'VectorFileError'
}

/** Reads a file of one JSON object a line; empty lines are allowed. Throws a VectorFileError. */
export function readVectors(file: string): Vector[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new VectorFileError(`${file}: ${messageOf(error)}`, { cause: error })
  }
  const vectors: Vector[] = []
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (line.trim() !== '') vectors.push(parseVector(line, `${file}:${index + 1}`))
  }
  return vectors
}

function parseVector(line: string, place: string): Vector {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new VectorFileError(`${place}: ${messageOf(error)}`, { cause: error })
  }
  if (!isObject(value)) throw new VectorFileError(`${place}: expected an object, got ${show(value)}`)
  const id = textOf(value['id'], place)
  const config = value['config'] ?? {}
  if (!isObject(config))
    throw new VectorFileError(`${place}: config: expected an object, got ${show(config)}`)
  if ('events' in value) {
    const events = value['events']
    if (!Array.isArray(events))
      throw new VectorFileError(`${place}: events: expected a list, got ${show(events)}`)
    return {
      shape: 'breaker',
      id,
      tier: textOf(value['tier'], 'core'),
      semantics: textOf(value['semantics'], 'ideal'),
      config,
      events: events.map((event: unknown, at) => parseEvent(event, `${place}: event ${at}`)),
    }
  }
  if (!('total' in value)) {
    const keys = Object.keys(value).join(', ')
    throw new VectorFileError(`${place}: expected "events", or "healthy" and "total", got ${keys}`)
  }
  const { degraded, expect } = value
  if (!isObject(expect))
    throw new VectorFileError(`${place}: expect: expected an object, got ${show(expect)}`)
  return {
    shape: 'priority',
    id,
    config,
    healthy: numbersOf(value['healthy'], `${place}: healthy`),
    ...(degraded === undefined ? {} : { degraded: numbersOf(degraded, `${place}: degraded`) }),
    total: numbersOf(value['total'], `${place}: total`),
    expect,
  }
}

function parseEvent(event: unknown, place: string): BreakerEvent {
  if (!isObject(event)) throw new VectorFileError(`${place}: expected an object, got ${show(event)}`)
  const { t, op, outcome, n, id, durationMs, to, expect } = event
  if (typeof t !== 'number' || !Number.isFinite(t)) {
    throw new VectorFileError(`${place}: t: expected milliseconds, got ${show(t)}`)
  }
  if (typeof op !== 'string') throw new VectorFileError(`${place}: op: expected a text, got ${show(op)}`)
  for (const [key, value] of Object.entries({ n, durationMs })) {
    if (value !== undefined && typeof value !== 'number') {
      throw new VectorFileError(`${place}: ${key}: expected a number, got ${show(value)}`)
    }
  }
  if (expect !== undefined && !isObject(expect)) {
    throw new VectorFileError(`${place}: expect: expected an object, got ${show(expect)}`)
  }
  return {
    t,
    op,
    ...(outcome === undefined ? {} : { outcome: textOf(outcome, show(outcome)) }),
    ...(typeof n === 'number' ? { n } : {}),
    ...(id === undefined ? {} : { id: textOf(id, show(id)) }),
    ...(typeof durationMs === 'number' ? { durationMs } : {}),
    ...(to === undefined ? {} : { to: textOf(to, show(to)) }),
    ...(expect === undefined ? {} : { expect }),
  }
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function numbersOf(value: unknown, place: string): number[] {
  if (Array.isArray(value) && value.every((count) => typeof count === 'number')) return value
  throw new VectorFileError(`${place}: expected a list of numbers, got ${show(value)}`)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
