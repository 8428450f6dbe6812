import { formatDuration } from '@budao/model'
import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import type { Block } from './keepalived-block.ts'
import { textOf } from './keepalived-syntax.ts'

/** What holds where nothing is said. */
const delayLoopDefaultMs = 60_000
const connectTimeoutDefaultMs = 5_000
const kinds = ['TCP_CHECK', 'HTTP_GET', 'SSL_GET'] as const

/** The health check of a service: that of the first server that has one, since a service has one. */
export function readCheck(server: Block, real: readonly Block[], notes: Notes): Written | undefined {
  const found = real.flatMap((each) =>
    each.blocks(...kinds).map((check) => ({ check, written: checkOf(check, each, server, notes) })),
  )
  const [first, ...others] = found
  for (const { check, written } of others) {
    if (JSON.stringify(written) === JSON.stringify(first?.written)) continue
    notes.add(
      'changed',
      check.statement,
      textOf(check.statement),
      'checks are one for all endpoints: the first one is taken',
    )
  }
  return first?.written
}

function checkOf(check: Block, real: Block, server: Block, notes: Notes): Written {
  const { statement } = check
  const levels = [check, real, server]
  const first = <T>(read: (block: Block) => T | undefined): T | undefined => {
    const values = levels.map(read)
    return values.find((value) => value !== undefined)
  }
  const interval = first((block) => block.ms('delay_loop')) ?? delayLoopDefaultMs
  const timeout = first((block) => block.ms('connect_timeout')) ?? connectTimeoutDefaultMs
  const retries = first((block) => block.number('retry', 'nb_get_retry')) ?? 1
  const gap = first((block) => block.one('delay_before_retry'))
  if (gap !== undefined)
    notes.add('changed', gap, textOf(gap), 'a failed check is repeated at the next interval, not sooner')
  const common: Written = {
    interval: formatDuration(interval),
    timeout: formatDuration(Math.min(timeout, interval)),
    unhealthyAfter: Math.min(100, Math.round(retries) + 1),
    healthyAfter: 1,
  }
  for (const each of check.all('connect_port', 'connect_ip', 'bindto', 'bind_port'))
    notes.add('lost', each, textOf(each), 'the address of the endpoint is checked')
  if (statement.name === 'TCP_CHECK') return { type: 'tcp', ...common }
  if (statement.name === 'SSL_GET')
    notes.add(
      'lost',
      statement,
      textOf(statement),
      'bytes are carried as they are: the check asks without TLS',
    )
  return {
    type: 'http',
    ...urlOf(
      check,
      first((block) => block.text('virtualhost')),
      notes,
    ),
    ...common,
  }
}

function urlOf(check: Block, host: string | undefined, notes: Notes): Written {
  const [url, ...more] = check.blocks('url')
  for (const { statement } of more)
    notes.add('lost', statement, textOf(statement), 'one path is checked: the first')
  const own = url?.text('virtualhost') ?? host
  const codes = url?.one('status_code')?.args ?? ['200-299']
  for (const each of url?.all('digest', 'regex', 'regex_no_match') ?? [])
    notes.add('lost', each, textOf(each), 'the status decides, the body is not read')
  return {
    path: url?.text('path') ?? '/',
    ...(own === undefined ? {} : { host: own }),
    expectStatus: codes,
  }
}
