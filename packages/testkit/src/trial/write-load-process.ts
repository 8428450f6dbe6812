// node write-load-process.ts PLAN: a LoadPlan as JSON. Writes and reads by a fixed schedule through every gateway, until SIGTERM.
import { openSync, writeSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type Attempt, machineNow } from './journal.ts'
import type { LoadPlan } from './write-load.ts'

const silenceMs = 250
const plan = JSON.parse(process.argv[2]!) as LoadPlan
const file = openSync(plan.file, 'w')
const agents = plan.gateways.map(() => new Agent({ keepAlive: true, timeout: 60_000 }))
const everyMs = 1_000 / plan.rate
const startedAt = machineNow()
let id = plan.firstId
let turn = 0
let heardEpoch = 0
let heardSite = ''
let heardAt = 0

const timer = setInterval(() => {
  const now = machineNow()
  for (; startedAt + turn * everyMs <= now; turn++) {
    const dueAt = startedAt + turn * everyMs
    const index = turn % plan.gateways.length
    send('write', id++, index, dueAt)
    // A read for every second write, or every fourth where there is one gateway.
    if (turn % 4 < plan.gateways.length) send('read', 0, index, dueAt)
  }
}, 2)

process.once('SIGTERM', () => {
  clearInterval(timer)
  setTimeout(() => process.exit(0), plan.timeoutMs + 100).unref()
  for (const agent of agents) agent.destroy()
})

function send(kind: Attempt['kind'], write: number, index: number, dueAt: number): void {
  const gateway = plan.gateways[index]!
  const sentAt = machineNow()
  let done = false
  const finish = (status: number, body: string, error: string): void => {
    if (done) return
    done = true
    clearTimeout(limit)
    const { epoch = 0, site = '' } = parsed(body)
    const attempt: Attempt = {
      ...{ kind, id: write, via: gateway.name, dueAt, sentAt, doneAt: machineNow() },
      ...{ status, epoch, site, error: error || (status === 200 ? '' : body.slice(0, 200)) },
    }
    writeSync(file, `${JSON.stringify(attempt)}\n`)
    if (kind === 'write' && status === 200) tell(attempt)
  }
  const asked = request(
    {
      host: gateway.address,
      port: gateway.port,
      agent: agents[index]!,
      path: kind === 'write' ? `/api/write/${write}` : '/api/read',
      method: kind === 'write' ? 'POST' : 'GET',
    },
    (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => finish(response.statusCode ?? 0, body, ''))
      response.on('error', (error) => finish(0, '', error.message))
    },
  )
  const limit = setTimeout(() => {
    finish(0, '', 'timeout')
    asked.destroy()
  }, plan.timeoutMs)
  asked.on('error', (error) => finish(0, '', (error as NodeJS.ErrnoException).code ?? error.message))
  asked.end()
}

/** The first acknowledged write of each epoch, of each site, and after each silence. */
function tell({ epoch, site, via, id: write, sentAt, doneAt }: Attempt): void {
  const silent = doneAt - heardAt > silenceMs
  heardAt = doneAt
  if (!silent && (epoch < heardEpoch || (epoch === heardEpoch && site === heardSite))) return
  heardEpoch = epoch
  heardSite = site
  process.stdout.write(`${JSON.stringify({ epoch, site, via, id: write, sentAt, doneAt })}\n`)
}

function parsed(body: string): { epoch?: number; site?: string } {
  try {
    return JSON.parse(body) as { epoch?: number; site?: string }
  } catch {
    return {}
  }
}
