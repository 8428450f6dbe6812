// A mini program that accepts every write and sends none: what the checks must see.
import type { Program } from './program.ts'

const outcome = Promise.resolve({ ok: false, code: 'mute', attempts: 0, channel: '', source: '' })
const program: Program = {
  begin: () => {},
  get: () => outcome,
  bare: () => outcome,
  post: () => outcome,
  queue: () => Promise.resolve(true),
  setUser: () => {},
  channel: '',
  waiting: 0,
}

const realm = globalThis as unknown as { app: Program }
realm.app = program
