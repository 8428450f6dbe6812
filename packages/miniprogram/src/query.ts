/** What a parameter may be. Undefined is left out; a list is repeated. */
export type QueryValue = Scalar | null | undefined | readonly Scalar[]

type Scalar = string | number | boolean

/** `path` with the parameters behind it. Mini programs have no URLSearchParams. */
export function withQuery(path: string, query: Readonly<Record<string, QueryValue>> | undefined): string {
  if (query === undefined) return path
  const pairs: string[] = []
  const add = (name: string, value: Scalar): void => {
    pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  }
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    if (typeof value === 'object') for (const one of value ?? ['']) add(name, one)
    else add(name, value)
  }
  if (pairs.length === 0) return path
  return `${path}${path.includes('?') ? '&' : '?'}${pairs.join('&')}`
}
