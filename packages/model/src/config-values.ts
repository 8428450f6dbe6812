/** Whether it is a map of keys. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What such a key holds; undefined in what is no map. */
export function get(from: unknown, key: string): unknown {
  return isObject(from) && Object.hasOwn(from, key) ? from[key] : undefined
}

/** Keys and what they hold; none of what is no map. */
export function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}

/** What a list holds; nothing of what is no list. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
