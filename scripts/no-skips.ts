// A reporter for node:test beside the normal one: says what was skipped, and with CI=true makes it a failure.
import type { TestEvent } from 'node:test/reporters'

export default async function* noSkips(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped: string[] = []
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, skip, todo } = event.data
    if (skip === undefined && todo === undefined) continue
    const reason = [skip, todo].find((value) => typeof value === 'string')
    skipped.push(`${file ?? ''} ${name}${reason === undefined ? '' : `: ${reason}`}`)
  }
  if (skipped.length === 0) return
  yield `\nskipped:\n${skipped.map((line) => `  ${line}\n`).join('')}`
  if (process.env['CI'] === 'true') {
    process.exitCode = 1
    yield 'with CI=true a skipped test is a failure\n'
  }
}
