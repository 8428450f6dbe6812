/** One thing wrong with a configuration file, or worth a warning. */
export interface Problem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** Where in the document: `services.shop.endpoints[0].site`; empty for the document itself. */
  readonly path: string
  /** What is wrong, in a few words, such as `unknown key`. */
  readonly message: string
  /** What would have been right. */
  readonly expected?: string
  /** What stands there, shortened. */
  readonly found?: string
  /** What to do, such as `did you mean \`window\`?`. */
  readonly hint?: string
}

/** One line for people and editors: `budao.yaml:12:7  services.shop.breaker.windw: unknown key (did you mean …)`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, expected, found, hint } = problem
  const detail = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  const subject = path === '' ? '' : `${path}: `
  return (
    `${file}:${line}:${column}  ${subject}${message}` +
    (detail === '' ? '' : `: ${detail}`) +
    (hint === undefined ? '' : ` (${hint})`)
  )
}

const plainKey = /^[A-Za-z_$][\w$-]*$/

/** Writes a path as people read it: `routes[0].match`, and `hosts["a.b"]` where a key needs quotes. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (plainKey.test(String(key))) text += text === '' ? String(key) : `.${String(key)}`
    else text += `[${JSON.stringify(String(key))}]`
  }
  return text
}
