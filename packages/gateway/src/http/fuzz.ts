// npm run fuzz -- [--seed N] [--seconds S]: does our reader, or the gateway around it, ever take what Node's does not?
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz-campaign.ts'
import { fuzzGateway } from './fuzz-gateway.ts'

const usage = 'npm run fuzz -- [--seed N] [--seconds S] [--streams N]'
const { values } = parseArgs({
  options: { seed: { type: 'string' }, seconds: { type: 'string' }, streams: { type: 'string' } },
})
const seed = numberOf(values.seed) ?? crypto.getRandomValues(new Uint32Array(1))[0]!
const streams = numberOf(values.streams) ?? Infinity
const halfMs = (numberOf(values.seconds) ?? 60) * 500

console.log(`seed ${seed}: repeat with npm run fuzz -- --seed ${seed}`)
const readers = await fuzz(seed, streams, AbortSignal.timeout(halfMs))
console.log(`readers: ${readers.streams} streams, ${readers.messages} requests read alike by both`)
console.log(
  `  streams taken whole by both ${readers.accepted}, refused by both ${readers.refused}, refused only by us ${readers.stricter}`,
)
for (const [code, times] of Object.entries(readers.codes).toSorted((a, b) => b[1] - a[1]))
  console.log(`  ${code} ${times}`)

const gateway = await fuzzGateway(seed, streams, AbortSignal.timeout(halfMs))
console.log(`gateway: ${gateway.streams} streams, ${gateway.messages} requests forwarded as they were meant`)

const failures = [...readers.failures, ...gateway.failures]
for (const failure of failures) console.log(`FAILURE ${failure}`)
process.exitCode = failures.length > 0 ? 1 : 0

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  console.error(`expected a whole number, got ${text}\n${usage}`)
  process.exit(2)
}
