// node recording-site-process.ts ADDRESS PORT SITE JOURNAL
// The backend of a site: notes every write with the epoch it came with, in order, and refuses epochs below the highest it has seen.
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalLine, machineNow, readJournal } from './journal.ts'

const [address, port, site = '', journal = ''] = process.argv.slice(2)
/** A write takes up to this long: some are always under way when something breaks. */
const workMsMax = 8

let highest = Math.max(0, ...readJournal(journal).map(({ epoch }) => epoch))
const file = openSync(journal, 'a')

const server = createServer((request, response) => {
  const answer = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ site, ...body }))
  }
  const [, id] = /^\/api\/write\/(\d+)$/.exec(request.url ?? '') ?? []
  if (id === undefined || request.method !== 'POST') return answer(200, { epoch: highest })
  request.resume()
  void (async () => {
    await sleep(Math.random() * workMsMax)
    const epoch = Number(request.headers['x-budao-epoch'] ?? 0)
    const verdict = epoch < highest ? 'refused' : 'accepted'
    highest = Math.max(highest, epoch)
    writeSync(file, journalLine({ id: Number(id), epoch, verdict, at: machineNow() }))
    answer(verdict === 'accepted' ? 200 : 409, { id: Number(id), epoch })
  })()
})
server.keepAliveTimeout = 60_000
server.listen(Number(port), address, () => process.stdout.write(`${site} listens\n`))
