// node recording-site-process.ts ADDRESS PORT SITE JOURNAL [LOG PEER]: with LOG its data follows that of PEER, the other site’s address.
// The backend of a site: notes every write with the epoch it came with, in order, and refuses epochs below the highest it has seen.
import { openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalLine, machineNow, readJournal } from './journal.ts'
import { ReplicaLog } from './replica-log.ts'

const [address, port, site = '', journal = '', log, peer = ''] = process.argv.slice(2)
/** A write takes up to this long: some are always under way when something breaks. */
const workMsMax = 8

let highest = Math.max(0, ...readJournal(journal).map(({ epoch }) => epoch))
const file = openSync(journal, 'a')
const data = log === undefined ? null : new ReplicaLog(site, log, { host: peer, port: Number(port) })

const server = createServer((request, response) => {
  const answer = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ site, ...body }))
  }
  if (data !== null && request.url === '/_data') return void answerData(data, request, response)
  if (data !== null && request.url?.startsWith('/_log?') === true) {
    const asked = new URLSearchParams(request.url.slice('/_log?'.length))
    const number = (key: string): number => Number(asked.get(key))
    const tail = data.tail(number('epoch'), number('length'), number('last'))
    response.writeHead(tail === undefined ? 409 : 200)
    return void response.end(JSON.stringify(tail ?? null))
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
    if (verdict === 'accepted') data?.append({ id: Number(id), epoch })
    answer(verdict === 'accepted' ? 200 : 409, { id: Number(id), epoch })
  })()
})
server.keepAliveTimeout = 60_000
server.listen(Number(port), address, () => process.stdout.write(`${site} listens\n`))

/** What a gateway asks about the data of this site. */
async function answerData(
  replica: ReplicaLog,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string
  const asked = JSON.parse(body) as { do: string; epoch: number; owner: string | null }
  response.end(JSON.stringify(asked.do === 'position' ? replica.position(asked) : { ok: true }))
}
