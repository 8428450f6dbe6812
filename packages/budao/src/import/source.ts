import { kindNames } from './providers/kind-names.ts'

/** A file to import, as a person names it. */
export interface ImportSource {
  /** One of `kindNames`; absent: what the text looks like. */
  readonly kind?: string
  readonly file: string
}

/** `FILE`, or `KIND:FILE`. */
export function parseSource(text: string): ImportSource {
  const colon = text.indexOf(':')
  const kind = text.slice(0, Math.max(0, colon))
  return isKind(kind) ? { kind, file: text.slice(colon + 1) } : { file: text }
}

/** Whether a kind of that name can be imported. */
export function isKind(name: string): boolean {
  return kindNames.some((each) => each === name)
}
