import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AlertsReport } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const patienceMs = 90_000

test(
  'two controllers: the one that tells is killed in the middle of telling; the other tells that, and nothing else twice',
  { timeout: 300_000 },
  async (t) => {
    const folder = tempDir(t)
    const told: string[] = []
    // While it holds, what comes is neither taken nor refused.
    let holds = false
    const hook = createServer((request, response) => {
      void text(request).then((body) => {
        if (holds) return
        told.push((JSON.parse(body) as { groupLabels: { alertname: string } }).groupLabels.alertname)
        response.end('{}')
      })
    }).listen(0, '127.0.0.1')
    t.after(() => [hook.closeAllConnections(), hook.close()])
    await once(hook, 'listening')
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
    writeFileSync(join(folder, 'secret'), 'what both nodes share\n')
    const rule = (name: string): object => ({
      alert_name: name,
      condition: `count(log.level:error kind:${name}) > 100 in 5m`,
      notify: ['ops'],
      severity: 'P1',
    })
    writeFileSync(join(folder, 'rules.json'), JSON.stringify(['first', 'second'].map(rule)))
    const ports: Record<string, { admin: number; link: number }> = {}
    for (const node of ['a', 'b']) ports[node] = { admin: await freePort(), link: await freePort() }
    const run = (node: string): TestProcess => {
      const config = {
        version: 1,
        node: { name: node, site: node === 'a' ? 'east' : 'west' },
        dataDir: `data-${node}`,
        sites: { east: {}, west: {} },
        admin: { address: `127.0.0.1:${ports[node]!.admin}` },
        listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
        routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
        logs: { own: false, files: [{ paths: [`${node}.log`] }] },
        alerts: { builtIn: false, rules: ['rules.json'], receivers: { ops: { webhook: { url } } } },
        control: {
          address: `127.0.0.1:${ports[node]!.link}`,
          token: { file: 'secret' },
          controller: true,
          store: { type: 'sqlite', path: 'coordination.db' },
          peers: {
            a: { address: `127.0.0.1:${ports['a']!.link}`, site: 'east' },
            b: { address: `127.0.0.1:${ports['b']!.link}`, site: 'west' },
          },
        },
      }
      writeFileSync(join(folder, `${node}.json`), JSON.stringify(config))
      return startNode(t, [program, 'up', '-c', join(folder, `${node}.json`)])
    }
    const ask = async (node: string, path: string, body?: object): Promise<any> => {
      const headers = { 'content-type': 'application/json' }
      const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
      const answer = await fetch(`http://127.0.0.1:${ports[node]!.admin}/api/v1/alerts${path}`, init).catch(
        () => null,
      )
      return answer?.ok === true ? answer.json() : null
    }
    const report = (node: string): Promise<AlertsReport | null> => ask(node, '')
    const fail = (node: string, kind: string): void =>
      appendFileSync(
        join(folder, `${node}.log`),
        `${JSON.stringify({ level: 'error', msg: 'no', kind })}\n`.repeat(101),
      )

    const processes: Record<string, TestProcess> = { a: run('a'), b: run('b') }
    let notifier: string | null | undefined = null
    await until('one of them tells', async () => {
      const both = [await report('a'), await report('b')]
      notifier = both[0]?.notifier
      return both.every((each) => each !== null && each.notifier !== null && each.notifier === notifier)
    })
    const [one, two] = notifier === 'a' ? ['a', 'b'] : ['b', 'a']
    // Seen by the other one alone; told all the same.
    fail(two, 'first')
    await until('the first is told', () => told.length === 1)
    const firing = (wanted: number) => async (): Promise<boolean> =>
      (await report(two))?.alerts.filter(({ state }) => state === 'firing').length === wanted
    const silence = { matchers: ['kind=third'], for: '1h', by: 'lin', reason: 'planned' }
    assert.equal((await ask(two, '/silences', silence)).state, 'active')
    assert.deepEqual(await ask(two, '/acknowledge', { alert: 'first', by: 'lin' }), { ok: true, alerts: 1 })
    await until('both know what people did', async () => {
      const known = await report(one)
      return known?.silences.length === 1 && known.alerts[0]?.acknowledged?.by === 'lin'
    })

    holds = true
    const asked = once(hook, 'request')
    fail(two, 'second')
    await asked
    await until('it fires', firing(2))
    processes[one]!.child.kill('SIGKILL')
    holds = false
    await until('the other one tells it', () => told.length === 2)
    assert.deepEqual(told, ['first', 'second'])

    processes[one] = run(one)
    await until(
      'who was killed is back, knows what people did, and leaves the telling to the other',
      async () => {
        const back = await report(one)
        return (
          back?.notifier === two && !back.notifies && back.silences.length === 1 && back.alerts.length === 2
        )
      },
    )
    assert.deepEqual(told, ['first', 'second'])
  },
)

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within ${patienceMs / 1000} s: ${what}`)
    await pause(50)
  }
}
