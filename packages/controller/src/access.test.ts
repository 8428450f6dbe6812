import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal } from './access.ts'
import type { AdminTokens, Caller, Role } from './access.ts'

const both: AdminTokens = { viewer: 'see', operator: 'do' }
const none: AdminTokens = {}
const json = 'application/json'
const local = '127.0.0.1:9900'

type Row = [tokens: AdminTokens, role: Role, caller: Partial<Caller>, expected: string | null]
const table: Row[] = [
  // Without tokens, on loopback.
  [none, 'open', { host: local }, null],
  [none, 'viewer', { host: local }, null],
  [none, 'operator', { host: local, contentType: json }, null],
  [none, 'operator', { host: local, contentType: 'application/json; charset=utf-8' }, null],
  [none, 'operator', { host: local, contentType: json, origin: 'http://127.0.0.1:9900' }, null],
  [none, 'operator', { host: local }, 'json-required'],
  [none, 'operator', { host: local, contentType: 'text/plain' }, 'json-required'],
  [none, 'operator', { host: local, contentType: 'application/jsonp' }, 'json-required'],
  [none, 'operator', { host: local, contentType: json, origin: 'https://evil.example' }, 'origin-refused'],
  [none, 'operator', { host: local, contentType: json, origin: 'http://127.0.0.1:3000' }, 'origin-refused'],
  [none, 'operator', { host: local, contentType: json, origin: 'null' }, 'origin-refused'],
  [none, 'open', { host: 'evil.example:9900' }, 'host-refused'],
  [none, 'viewer', { host: 'evil.example:9900' }, 'host-refused'],
  [none, 'viewer', {}, 'host-refused'],
  [{ viewer: '', operator: '' }, 'viewer', { host: local }, null],

  // With tokens, anywhere.
  [both, 'open', { host: 'gw.example' }, null],
  [both, 'viewer', { host: 'gw.example' }, 'token-required'],
  [both, 'viewer', { authorization: 'Basic see' }, 'token-required'],
  [both, 'viewer', { authorization: 'Bearer ' }, 'token-required'],
  [both, 'viewer', { authorization: 'Bearer wrong' }, 'token-refused'],
  [both, 'viewer', { authorization: 'Bearer see' }, null],
  [both, 'viewer', { authorization: 'bearer see' }, null],
  [both, 'viewer', { authorization: 'Bearer do' }, null],
  [both, 'operator', { authorization: 'Bearer see', contentType: json }, 'operator-required'],
  [both, 'operator', { authorization: 'Bearer wrong', contentType: json }, 'token-refused'],
  [both, 'operator', { authorization: 'Bearer do', contentType: json }, null],
  [both, 'operator', { authorization: 'Bearer do' }, 'json-required'],
  [both, 'operator', { host: local, contentType: json }, 'token-required'],

  // With one of them: the other door stays shut.
  [{ viewer: 'see' }, 'operator', { authorization: 'Bearer see', contentType: json }, 'operator-required'],
  [{ operator: 'do' }, 'viewer', { authorization: 'Bearer see' }, 'token-refused'],
  [{ operator: 'do' }, 'viewer', { authorization: 'Bearer do' }, null],
]
for (const [tokens, role, caller, expected] of table) {
  test(`${JSON.stringify(tokens)}: ${role} by ${JSON.stringify(caller)} -> ${String(expected)}`, () => {
    const complete = {
      host: undefined,
      authorization: undefined,
      origin: undefined,
      contentType: undefined,
      ...caller,
    }
    assert.equal(refusal(role, complete, tokens)?.code ?? null, expected)
  })
}
