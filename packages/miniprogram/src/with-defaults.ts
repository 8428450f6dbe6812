/**
 * `given` over `defaults`; what is undefined counts as not given, and names without a default are none of this part's options.
 * Throws a RangeError for a value of another type than its default's, or a number below 0: plain JavaScript has no compiler.
 */
export function withDefaults<T extends object>(defaults: T, given: Partial<T> | undefined): T {
  const all = Object.assign({}, defaults)
  for (const name of Object.keys(defaults) as (keyof T & string)[]) {
    const value = given?.[name]
    const usual = defaults[name]
    if (value === undefined) continue
    if (typeof value !== typeof usual || (value as number) < 0 || value !== value)
      throw new RangeError(
        `${name}: expected a ${typeof usual} such as ${String(usual)}, got ${String(value)}`,
      )
    all[name] = value
  }
  return all
}
