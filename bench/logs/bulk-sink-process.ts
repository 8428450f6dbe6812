// Takes Elasticsearch's `_bulk`, counts documents, answers as it does, and keeps the first of them to be looked at.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const keptMax = 20_000
const lineEnd = 0x0a
const filtered = '{"create":{"status":201}}'
const taken =
  '{"create":{"_index":"logs","_id":"kVx3aI0BqPz5mF0y1w2X","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1,"status":201}}'

/** Of the batch before: batches are of few sizes. */
let last = { count: -1, isFiltered: false, text: '' }

function answerOf(count: number, isFiltered: boolean): string {
  if (count !== last.count || isFiltered !== last.isFiltered) {
    const items = Array(count).fill(isFiltered ? filtered : taken)
    const text = `{${isFiltered ? '' : '"took":1,'}"errors":false,"items":[${items.join(',')}]}`
    last = { count, isFiltered, text }
  }
  return last.text
}

let documents = 0
let kept: unknown[] = []

const server = createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/count') return void response.end(String(documents))
  if (request.method === 'GET' && request.url === '/kept') return void response.end(JSON.stringify(kept))
  // It shares the machine with what it measures: nothing is put together that nobody looks at.
  const chunks: Buffer[] = []
  let lines = 0
  request.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(lineEnd); at >= 0; at = chunk.indexOf(lineEnd, at + 1)) lines++
    if (documents < keptMax) chunks.push(chunk)
  })
  request.on('end', () => {
    if (documents < keptMax) keep(Buffer.concat(chunks).toString())
    documents += lines / 2
    response.setHeader('content-type', 'application/json')
    const isFiltered = request.url!.includes('filter_path=errors,items.*.status,items.*.error')
    response.end(answerOf(lines / 2, isFiltered))
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)
})

function keep(text: string): void {
  for (const [index, line] of text.trimEnd().split('\n').entries())
    if (index % 2 === 1 && kept.length < keptMax) kept.push(JSON.parse(line))
}
