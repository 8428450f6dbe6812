import assert from 'node:assert/strict'
import { appendFileSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AuditDraft } from '@budao/model'
import { AuditFile, auditFileName } from './audit-file.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'budao-audit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function draft(subject: string): AuditDraft {
  const at = '2026-11-26T00:00:00.000Z'
  return { at, actor: 'ann', action: 'verdict', subject, term: 1, epoch: 2, detail: { from: 'east' } }
}

async function openAudit(t: TestContext, folder: string): Promise<AuditFile> {
  const file = await AuditFile.open({ folder, onWritable: () => undefined })
  t.after(() => file.close().catch(() => undefined))
  return file
}

test('records follow one another over restarts, and are found by subject and number', async (t) => {
  const folder = folderOf(t)
  const first = await openAudit(t, folder)
  assert.deepEqual(await Promise.all(['a', 'b', 'a'].map((subject) => first.append(draft(subject)))), [
    true,
    true,
    true,
  ])
  await first.close()
  // Half a line: the process died while it wrote.
  appendFileSync(join(folder, auditFileName), '{"seq":4,"at":"2026')
  const second = await openAudit(t, folder)
  await second.append(draft('c'))
  assert.deepEqual(
    (await second.query({})).map(({ seq, subject }) => [seq, subject]),
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
      [4, 'c'],
    ],
  )
  assert.deepEqual(
    (await second.query({ subject: 'a', after: 1 })).map(({ seq }) => seq),
    [3],
  )
  assert.deepEqual(
    (await second.query({ limit: 2 })).map(({ seq }) => seq),
    [3, 4],
  )
  const { ok, records, last } = await second.verify()
  assert.deepEqual([ok, records, last?.seq], [true, 4, 4])
})

test('what was changed, removed or spoilt afterwards is found', async (t) => {
  const folder = folderOf(t)
  const file = await openAudit(t, folder)
  for (const subject of ['a', 'b', 'c']) await file.append(draft(subject))
  const path = join(folder, auditFileName)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const brokenBy = async (changed: readonly string[]): Promise<unknown> => {
    writeFileSync(path, `${changed.join('\n')}\n`)
    return (await file.verify()).broken
  }
  assert.deepEqual(await brokenBy([lines[0]!, lines[1]!.replace('ann', 'bob'), lines[2]!]), {
    seq: 2,
    why: 'changed',
  })
  assert.deepEqual(await brokenBy([lines[0]!, lines[2]!]), { seq: 3, why: 'removed-before' })
  assert.deepEqual(await brokenBy([lines[0]!, '{', lines[2]!]), { seq: 2, why: 'unreadable' })
  assert.equal(await brokenBy(lines), null)
})

test('while the disk is full nothing counts as recorded, and it says so; what waited is written in its order', async (t) => {
  const said: (string | null)[] = []
  let full = false
  const file = await AuditFile.open({
    folder: folderOf(t),
    onWritable: (problem) => said.push(problem),
    async open(path) {
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT)
      return {
        // A full disk takes the beginning of a record, and then nothing.
        write: (async (bytes: Buffer, from: number, length: number, at: number) => {
          if (!full) return handle.write(bytes, from, length, at)
          await handle.write(bytes, from, 10, at)
          throw new Error('ENOSPC: no space left on device, write')
        }) as typeof handle.write,
        truncate: (length) => handle.truncate(length),
        datasync: () => handle.datasync(),
        close: () => handle.close(),
      }
    },
  })
  t.after(() => file.close().catch(() => undefined))
  assert.equal(await file.append(draft('before')), true)
  full = true
  assert.equal(await file.append(draft('during')), false)
  assert.equal(await file.append(draft('during too')), false)
  assert.match(file.problem!, /ENOSPC/)
  full = false
  while (file.problem !== null) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(await file.append(draft('after')), true)
  assert.deepEqual(
    (await file.query({})).map(({ subject }) => subject),
    ['before', 'during', 'during too', 'after'],
  )
  assert.deepEqual(
    said.map((problem) => problem === null),
    [false, true],
  )
  assert.equal((await file.verify()).ok, true)
})
