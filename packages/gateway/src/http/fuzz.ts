// npm run fuzz -- [--seed N] [--seconds S]: does our reader ever take what Node's does not?
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz-campaign.ts'

const usage = 'npm run fuzz -- [--seed N] [--seconds S] [--streams N]'
const { values } = parseArgs({
  options: { seed: { type: 'string' }, seconds: { type: 'string' }, streams: { type: 'string' } },
})
const seed = numberOf(values.seed) ?? crypto.getRandomValues(new Uint32Array(1))[0]!
const streams = numberOf(values.streams) ?? Infinity
const seconds = numberOf(values.seconds) ?? 60

console.log(`seed ${seed}: repeat with npm run fuzz -- --seed ${seed}`)
const report = await fuzz(seed, streams, AbortSignal.timeout(seconds * 1_000))
console.log(`${report.streams} streams, ${report.messages} requests read alike by both`)
console.log(
  `taken whole by both ${report.accepted}, refused by both ${report.refused}, refused only by us ${report.stricter}`,
)
for (const [code, times] of Object.entries(report.codes).toSorted((a, b) => b[1] - a[1]))
  console.log(`  ${code} ${times}`)
for (const failure of report.failures) console.log(`FAILURE ${failure}`)
process.exitCode = report.failures.length > 0 ? 1 : 0

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  console.error(`expected a whole number, got ${text}\n${usage}`)
  process.exit(2)
}
