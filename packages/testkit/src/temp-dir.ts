import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'

const dirs = new Set<string>()
// What a test closes after its folder is gone may write its last lines there, in a new one.
process.on('exit', () => dirs.forEach(remove))

/** An empty folder, removed with all it holds when the test ends. */
export function tempDir(t: Cleanup): string {
  const dir = mkdtempSync(join(tmpdir(), 'budao-test-'))
  dirs.add(dir)
  t.after(() => remove(dir))
  return dir
}

function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}
