import { fileURLToPath } from 'node:url'
import type { Cleanup } from '../cleanup.ts'
import type { TestHost } from '../namespaces.ts'
import type { TestProcess } from '../processes.ts'
import { type Attempt, readAttempts } from './journal.ts'

/** What a client process does. */
export interface LoadPlan {
  /** Asked in turn: each has clients of its own, that go to no other. */
  readonly gateways: readonly { readonly name: string; readonly address: string; readonly port: number }[]
  /** Writes a second, all gateways together. */
  readonly rate: number
  readonly timeoutMs: number
  readonly firstId: number
  /** Where every attempt is noted. */
  readonly file: string
}

/** The first acknowledged write of an epoch, of another site, or after a quarter of a second without one. */
export interface FirstWrite {
  readonly epoch: number
  readonly site: string
  readonly via: string
  readonly id: number
  readonly sentAt: number
  readonly doneAt: number
}

/** Clients on a host of their own: they write by a fixed schedule (open loop) through every gateway, and repeat nothing. */
export class WriteLoad {
  readonly process: TestProcess
  readonly #file: string

  /** `ahead` goes in front of its command: who is late himself measures nothing. */
  constructor(t: Cleanup, host: TestHost, ahead: readonly string[], plan: LoadPlan) {
    const program = fileURLToPath(new URL('write-load-process.ts', import.meta.url))
    this.#file = plan.file
    const [command = '', ...args] = [
      ...[...ahead, process.execPath, '--conditions=@budao/source', program, JSON.stringify(plan)],
    ]
    this.process = host.start(t, command, args)
  }

  /** First writes so far, in their order. */
  get firstWrites(): FirstWrite[] {
    return this.process.output
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as FirstWrite)
  }

  /** Every request that has ended so far. */
  attempts(): Attempt[] {
    return readAttempts(this.#file)
  }
}
