import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { phoneScript } from '@budao/testkit'
import { scenarios } from './scenarios.ts'

const { scenario: name } = workerData as { scenario: string }
const scenario = scenarios[name]!
const program = phoneScript(fileURLToPath(new URL('./program.ts', import.meta.url)), { target: 'es2016' })

// One seed after the other, as they are asked for.
parentPort!.on('message', (seed: number) => {
  void program
    .then((script) => scenario.live(seed, script))
    .then((part) => parentPort!.postMessage({ seed, part }))
})
