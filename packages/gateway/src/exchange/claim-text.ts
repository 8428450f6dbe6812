import type { Claims } from '../filters/filter.ts'

/** A claim as a text: those that are texts, numbers or booleans; undefined for others and where there is none. */
export function claimText(claims: Claims | null, name: string): string | undefined {
  if (claims === null || !Object.hasOwn(claims, name)) return undefined
  const value = claims[name]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}
