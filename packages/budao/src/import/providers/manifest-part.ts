import { wordIn } from '@budao/model'
import type { Notes, Place } from '../notes.ts'
import type { YamlSource } from '../yaml-source.ts'

/** A value somewhere in a manifest of Kubernetes that knows its place. */
export interface Part {
  readonly value: unknown
  at(...path: (string | number)[]): Part
  place(...path: (string | number)[]): Place
}

/** A document as a part. */
export function part(source: YamlSource, file: string, path: readonly (string | number)[] = []): Part {
  let value = source.value
  for (const step of path) value = isObject(value) ? value[step] : undefined
  return {
    value,
    at: (...more) => part(source, file, [...path, ...more]),
    place: (...more) => ({ file, line: source.line([...path, ...more]) }),
  }
}

/** The items of a list below; none where there is no list. */
export function items(from: Part, ...path: (string | number)[]): Part[] {
  const list = from.at(...path)
  return Array.isArray(list.value) ? list.value.map((_, index) => list.at(index)) : []
}

/** The keys of a map; none where it is none. */
export function keysOf({ value }: Part): string[] {
  return isObject(value) && !Array.isArray(value) ? Object.keys(value) : []
}

/** The objects of a document: what `kubectl get -o yaml` gives is a list of them. */
export function objectsOf(object: Part): Part[] {
  return textAt(object, 'kind')?.endsWith('List') === true
    ? items(object, 'items').flatMap(objectsOf)
    : [object]
}

/** Tells the keys of a map that nobody reads, each with the reason there is for it. */
export function tellUnknown(
  of: Part,
  known: ReadonlySet<string>,
  notes: Notes,
  reasons: Readonly<Record<string, string>> = {},
): void {
  for (const key of keysOf(of))
    if (!known.has(key)) notes.add('lost', of.place(key), key, wordIn(reasons, key) ?? 'has no counterpart')
}

/** A text or number below, as text. */
export function textAt(from: Part, ...path: (string | number)[]): string | undefined {
  const { value } = from.at(...path)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}
