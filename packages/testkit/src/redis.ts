import type { TestContext } from 'node:test'
import { requireDebian } from './debian.ts'
import { startProcess, type TestProcess } from './processes.ts'
import { tempDir } from './temp-dir.ts'

/**
 * A Redis server that keeps nothing on disk, ready to answer on 127.0.0.1. Undefined where it cannot be had: the test is
 * then skipped, or fails with `CI=true`.
 */
export async function startRedis(
  t: TestContext,
  port: number,
  args: readonly string[] = [],
): Promise<TestProcess | undefined> {
  const program = await requireDebian(t, 'redis-server')
  if (program === undefined) return undefined
  const server = startProcess(
    t,
    program,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...args],
    { cwd: tempDir(t) },
  )
  await server.waitForOutput(/Ready to accept connections/)
  return server
}
