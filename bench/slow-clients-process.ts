import { SlowClient, waysToBeSlow } from './slow-client.ts'
import type { WayToBeSlow } from './slow-client.ts'

/**
 * `node slow-clients-process.ts PORT COUNT`: so many slow clients, a third of each kind, until SIGTERM. One that is
 * thrown out comes again a second later. Prints `READY`, and `ENDED` with how many were thrown out.
 */
const [port, count] = process.argv.slice(2).map(Number)

const here = new Set<SlowClient>()
const ended = { head: 0, body: 0, read: 0 }
let leaving = false

for (let i = 0; i < count!; i++) {
  come(waysToBeSlow[i % waysToBeSlow.length]!)
  // Not all in one moment: what is measured is that they are there, not that they came.
  if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 10))
}
process.stdout.write('READY\n')
process.once('SIGTERM', () => {
  leaving = true
  for (const client of here) client.stop()
  process.stdout.write(`ENDED ${JSON.stringify(ended)}\n`, () => process.exit(0))
})

function come(way: WayToBeSlow): void {
  if (leaving) return
  const client = new SlowClient(port!, way, () => {
    here.delete(client)
    ended[way]++
    setTimeout(() => come(way), 1_000)
  })
  here.add(client)
}
