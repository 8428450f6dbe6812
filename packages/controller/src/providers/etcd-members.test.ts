import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EtcdMembers } from './etcd-members.ts'

const [a, b, c] = ['http://10.0.1.3:2379', 'http://10.0.2.3:2379', 'http://[fd00::3]:2379']

test('the member on this machine is asked first, whatever the order of the file, then as they stand there', () => {
  assert.deepEqual(new EtcdMembers([a, b, c], new Set(['10.0.2.3'])).inOrder(0), [b, a, c])
  assert.deepEqual(new EtcdMembers([a, b, c], new Set(['fd00::3'])).inOrder(0), [c, a, b])
  assert.deepEqual(new EtcdMembers([a, b, c], new Set(['10.9.9.9'])).inOrder(0), [a, b, c])
})

test('who did not answer is asked last for five seconds, the latest of them very last', () => {
  const members = new EtcdMembers([a, b, c], new Set())
  members.failed(b, 10_000)
  members.failed(a, 10_100)
  assert.deepEqual(members.inOrder(10_200), [c, b, a])
  assert.deepEqual(members.inOrder(15_000), [b, c, a])
  assert.deepEqual(members.inOrder(15_100), [a, b, c])
})
