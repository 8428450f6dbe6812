/** Characters that mean something in a filter, or end a value. */
const special = /[\s"():<>=*\\]/
const name = /^[^\s"():<>=]+$/

/** Whether a field of this name can be asked for: a filter has no quotes for names. */
export function canAsk(field: string): boolean {
  return name.test(field)
}

/** `field:value` as a filter has it, or nothing of it. */
export function conditionOf(field: string, value: string | number | boolean, without = false): string {
  const text = String(value)
  const written = text === '' || special.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text
  return `${without ? '-' : ''}${field}:${written}`
}

/** The filter with one more condition, which has to hold too. One that is there already stays as it is; its opposite goes. */
export function withCondition(filter: string, condition: string): string {
  const opposite = condition.startsWith('-') ? condition.slice(1) : `-${condition}`
  const left = ` ${filter.trim()} `.replace(` ${opposite} `, ' ').trim()
  if (left === '' || left === '*') return condition
  if (` ${left} `.includes(` ${condition} `)) return left
  // Without brackets it would belong to the last alternative only.
  return /\sor\s/i.test(left) && !/^\([^()]*\)$/.test(left)
    ? `(${left}) ${condition}`
    : `${left} ${condition}`
}

/** The filter with this level instead of another one. */
export function withLevel(filter: string, condition: string): string {
  const left = filter.replace(/(^|\s)-?log\.level(?:[:=]|[<>]=?)\S+/g, '$1').replace(/\s+/g, ' ')
  return withCondition(left, condition)
}
