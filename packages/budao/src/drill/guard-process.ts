import { Journal } from './journal.ts'
import { restoreFrom } from './restore.ts'

// Started by guard.ts: FOLDER MILLISECONDS. Everything it needs is loaded before it says that it watches.
const [folder = '', forMs = '0'] = process.argv.slice(2)
const journal = new Journal(folder)

/** How long the drill is left to do it itself after the last moment for it. */
const graceMs = 2_000
const retryMs = 500

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
process.stdout.on('error', () => {})
let word = ''
process.stdin.setEncoding('utf8').on('data', (text) => (word += text))
const deadline = setTimeout(() => void restore(), Number(forMs) + graceMs)
process.stdin.on('end', () => {
  clearTimeout(deadline)
  if (word !== 'done') void restore()
})
process.stdin.on('error', () => void restore())
process.stdout.write('watching\n')

/** Until it is done: relays or a DNS server may not answer at once. */
async function restore(): Promise<void> {
  try {
    await restoreFrom(journal, process.env['BUDAO_TOKEN'])
    process.exit(0)
  } catch {
    setTimeout(() => void restore(), retryMs)
  }
}
