import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../packages/budao/src/drill/load.ts'
import { summarize } from './load-summary.ts'

/** `node open-load-process.ts URL RATE SECONDS WARMUP_SECONDS` prints `RESULT` and a `LoadSummary`. */
const [url = '', rate, seconds, warmupSeconds] = process.argv.slice(2)

const load = new Load(() => performance.now(), { url: new URL(url), rate: Number(rate) })
load.start()
await sleep(Number(warmupSeconds) * 1_000)
await load.stop()
load.start()
await sleep(Number(seconds) * 1_000)
const summary = summarize(await load.stop())
load.close()
process.stdout.write(`RESULT ${JSON.stringify(summary)}\n`)
