import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Imported } from '../imported.ts'
import { parseProperties } from '../properties.ts'
import { placeholderAddress } from '../written-config.ts'
import { hystrix } from './hystrix.ts'

function read(text: string, file = 'application.properties'): Imported {
  return hystrix.read(text, { file, site: 'main', endpoints: { pay: ['10.0.0.1:80'] }, include: () => [] })
}

const command = (name: string, value: string, key = 'pay'): string =>
  `hystrix.command.${key}.${name}=${value}\n`

const settings: [text: string, service: Record<string, unknown>][] = [
  [command('execution.isolation.thread.timeoutInMilliseconds', '1500'), { timeouts: { request: '1500ms' } }],
  [command('circuitBreaker.requestVolumeThreshold', '7'), { breaker: { requestVolumeThreshold: 7 } }],
  [command('circuitBreaker.sleepWindowInMilliseconds', '5000'), { breaker: { sleepWindow: '5s' } }],
  [command('circuitBreaker.errorThresholdPercentage', '25'), { breaker: { errorThresholdPercentage: 25 } }],
  [
    command('circuitBreaker.enabled', 'false') + command('circuitBreaker.sleepWindowInMilliseconds', '1'),
    { breaker: false },
  ],
  [
    command('metrics.rollingStats.timeInMilliseconds', '10000') +
      command('metrics.rollingStats.numBuckets', '20'),
    { breaker: { window: '10s', buckets: 20 } },
  ],
  ['hystrix.threadpool.pay.coreSize=15\n', { limits: { concurrency: 15 } }],
  [
    'hystrix.threadpool.pay.coreSize=15\nhystrix.threadpool.pay.maximumSize=30\nhystrix.threadpool.pay.allowMaximumSizeToDivergeFromCoreSize=true\n',
    { limits: { concurrency: 30 } },
  ],
  [
    `hystrix.threadpool.pay.coreSize=15\n${command('execution.isolation.strategy', 'SEMAPHORE')}${command('execution.isolation.semaphore.maxConcurrentRequests', '9')}`,
    { limits: { concurrency: 9 } },
  ],
]
for (const [text, service] of settings) {
  test(text.trim().replaceAll('\n', ', '), () => {
    const { fragment, notes } = read(text)
    assert.deepEqual(fragment.services, {
      pay: { endpoints: [{ address: '10.0.0.1:80', site: 'main' }], ...service },
    })
    assert.deepEqual(notes, [])
  })
}

test('defaults are for every service, keys may have dots and signs', () => {
  const { fragment } = read(
    command('circuitBreaker.requestVolumeThreshold', '30', 'default') +
      command('circuitBreaker.requestVolumeThreshold', '40', 'com.shop.Orders\\#get(Long)'),
  )
  assert.deepEqual(fragment.serviceDefaults, { breaker: { requestVolumeThreshold: 30 } })
  assert.deepEqual(fragment.services, {
    'com-shop-Orders-get-Long': {
      endpoints: [{ address: placeholderAddress, site: 'main' }],
      breaker: { requestVolumeThreshold: 40 },
    },
  })
})

test('YAML says the same, nested or with dots', () => {
  const yaml = `server: { port: 1 }
hystrix:
  command:
    default:
      execution.isolation.thread.timeoutInMilliseconds: 2000
    "[pay]":
      circuitBreaker:
        errorThresholdPercentage: 60
        forceOpen: true
  threadpool.pay.coreSize: 4
`
  const { fragment, notes } = read(yaml, 'application.yml')
  assert.deepEqual(fragment.serviceDefaults, { timeouts: { request: '2s' } })
  assert.deepEqual(fragment.services['pay'], {
    endpoints: [{ address: '10.0.0.1:80', site: 'main' }],
    breaker: { errorThresholdPercentage: 60 },
    limits: { concurrency: 4 },
  })
  assert.deepEqual(
    notes.map(({ kind, line }) => [kind, line]),
    [['lost', 9]],
  )
})

test('what has no counterpart is told with its line', () => {
  const { notes } = read(
    `# comment
${command('fallback.enabled', 'true')}hystrix.collapser.default.maxRequestsInBatch=3
${command('circuitBreaker.enabled', 'maybe')}${command('circuitBreaker.requestVolumeThreshold', '${THRESHOLD:5}')}${command('execution.timeout.enabled', 'false')}other.key=1
`,
  )
  assert.deepEqual(
    notes.map(({ kind, line, reason }) => `${kind} ${line}: ${reason}`),
    [
      'lost 2: see fallback of a route',
      'lost 3: has no counterpart',
      'lost 4: expected true or false',
      'lost 5: expected a whole number',
      'lost 6: every request has a deadline: timeouts.request of the service',
    ],
  )
})

const properties: [text: string, expected: [key: string, value: string, line: number][]][] = [
  [
    'a=b\n c : d\ne f',
    [
      ['a', 'b', 1],
      ['c', 'd', 2],
      ['e', 'f', 3],
    ],
  ],
  ['# x\n! y\n\na=', [['a', '', 4]]],
  [
    'a=b\\\n   c\nd=e',
    [
      ['a', 'bc', 1],
      ['d', 'e', 3],
    ],
  ],
  [String.raw`a\:b\=c\ d=e\tf\u0041\\`, [['a:b=c d', 'e\tfA\\', 1]]],
  [
    'a\r\nb=c=d',
    [
      ['a', '', 1],
      ['b', 'c=d', 2],
    ],
  ],
]
for (const [text, expected] of properties) {
  test(`properties: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      parseProperties(text).map(({ key, value, line }) => [key, value, line]),
      expected,
    )
  })
}
