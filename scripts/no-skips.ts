// A reporter for node:test beside the normal one: says what was skipped, and with CI=true makes it a failure. But for what
// begins with `this machine cannot: `, such as making network namespaces without root: no installing would change that.
import type { TestEvent } from 'node:test/reporters'

export default async function* noSkips(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped: string[] = []
  let excused = 0
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, skip, todo } = event.data
    if (skip === undefined && todo === undefined) continue
    const reason = [skip, todo].find((value) => typeof value === 'string')
    if (reason?.startsWith('this machine cannot: ')) excused++
    skipped.push(`${file ?? ''} ${name}${reason === undefined ? '' : `: ${reason}`}`)
  }
  if (skipped.length === 0) return
  yield `\nskipped:\n${skipped.map((line) => `  ${line}\n`).join('')}`
  if (process.env['CI'] === 'true' && skipped.length > excused) {
    process.exitCode = 1
    yield 'with CI=true a skipped test is a failure\n'
  }
}
