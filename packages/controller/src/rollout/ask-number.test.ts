import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AnalysisConfig } from '@budao/model'
import { freePort, rawServer, requireDebian, startProcess, tempDir } from '@budao/testkit'
import { askNumber } from './ask-number.ts'

const about = { rollout: 'two', route: 'shop', release: 'canary', step: 0 }

/** What is answered, in short: the number (and that of stable), or why there is none. */
async function ask(config: Partial<AnalysisConfig>): Promise<string> {
  const whole: AnalysisConfig = { interval: 60_000, timeout: 5_000, failures: 0, ...config }
  const measured = await askNumber(
    'paid',
    whole,
    about,
    () => Promise.resolve('s3cret'),
    () => ({ value: 7, holds: true }),
  )
  if (measured.kind === 'nothing') return measured.why
  const { value, stable, holds } = measured
  return `${value}${stable === null ? '' : ` of ${stable}`}${holds ? ', holds' : ''}`
}

/** A real server with no series but its own. */
async function startSeries(t: TestContext): Promise<string | undefined> {
  const program = await requireDebian(t, 'prometheus')
  if (program === undefined) return undefined
  const [folder, port] = [tempDir(t), await freePort()]
  writeFileSync(join(folder, 'empty.yml'), '{}\n')
  const server = startProcess(t, program, [
    `--config.file=${join(folder, 'empty.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  await server.waitForOutput(/Server is ready to receive web requests/)
  return `http://127.0.0.1:${port}`
}

test('a real Prometheus: one number is one, and everything else is none and says why', async (t) => {
  const url = await startSeries(t)
  if (url === undefined) return
  const two = 'vector(2) or label_replace(vector(3), "a", "b", "", "")'
  const table: [query: string, answer: string | RegExp][] = [
    ['vector(0.95)', '0.95'],
    ['1 + 1', '2'],
    ['vector(0) / 0', 'NaN is no number'],
    ['1 / 0', '+Inf is no number'],
    ['nothing_has_this_name', 'no series has that query'],
    [two, 'expected one number, got 2 series: aggregate them'],
    ['"text"', 'expected one number, got a string'],
    ['sum(', /^answered 400: .*parse error/],
  ]
  for (const [query, answer] of table) {
    const got = await ask({ prometheus: { url: `${url}/`, query } })
    if (typeof answer === 'string') assert.equal(got, answer, query)
    else assert.match(got, answer, query)
  }
  const byRelease = 'count(vector(1) unless on() vector("$release" == bool "canary"))'
  assert.match(await ask({ prometheus: { url, query: byRelease } }), /^answered 400/)
  const length = 'scalar(count(label_replace(vector(1), "r", "$release", "", "")))'
  assert.equal(await ask({ prometheus: { url, query: length }, ofStable: { min: 1 } }), '1 of 1')
})

test('a webhook: it is told what is asked about, and whatever is no number in time is none', async (t) => {
  const asked: string[] = []
  const server = await rawServer(t, async ({ connection, target, header, body }) => {
    asked.push(`${header('authorization')} ${await body()}`)
    const answers: Record<string, () => void> = {
      '/well': () => connection.respond(200, '{"value": 0.98}'),
      '/text': () => connection.respond(200, '{"value": "0.98"}'),
      '/null': () => connection.respond(200, '{"value": null}'),
      '/page': () => connection.respond(200, '<html>'),
      '/ill': () => connection.respond(503, '{"value": 1}'),
      '/away': () => connection.respond(302, '', { Location: '/well' }),
      '/long': () => connection.respond(200, `{"value": 1, "why": "${'x'.repeat(70_000)}"}`),
      '/broken': () => connection.reset(),
      '/late': () => {},
    }
    answers[target]!()
  })
  const hook = (path: string, more: Partial<AnalysisConfig> = {}): Promise<string> =>
    ask({ webhook: { url: `http://${server.address}${path}`, token: { env: 'T' } }, ...more })
  assert.equal(await hook('/well'), '0.98')
  assert.equal(
    asked[0],
    'Bearer s3cret {"rollout":"two","route":"shop","release":"canary","step":1,"analysis":"paid"}',
  )
  assert.equal(await hook('/well', { ofStable: { min: 1 } }), '0.98 of 0.98')
  assert.ok(asked.some((each) => each.includes('"release":"stable"')))
  assert.equal(await hook('/text'), 'expected {"value": a number}, got {"value": "0.98"}')
  assert.equal(await hook('/null'), 'expected {"value": a number}, got {"value": null}')
  assert.equal(await hook('/page'), 'expected {"value": a number}, got <html>')
  assert.equal(await hook('/ill'), 'answered 503')
  assert.equal(await hook('/away'), 'answered 302')
  assert.equal(await hook('/long'), 'the answer is longer than 65536 bytes')
  assert.match(await hook('/broken'), /^fetch failed/)
  assert.equal(await hook('/late', { timeout: 100 }), 'no answer within 100 ms')
  await server.kill()
  assert.match(await hook('/well'), /^fetch failed: .*ECONNRE(?:FUSED|SET)/)
  assert.equal(await ask({ log: 'count(x) > 1 in 1m' }), '7, holds')
})
