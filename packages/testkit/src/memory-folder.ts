import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import type { Cleanup } from './cleanup.ts'

/**
 * A folder that belongs to root and has a file system of its own in memory: what others write to the disk delays nobody there, and it can be full.
 * Needs root. Gone after the test.
 */
export function memoryFolder(t: Cleanup, size = '512m'): string {
  const folder = mkdtempSync('/run/budao-test-')
  chmodSync(folder, 0o755)
  run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', folder])
  t.after(() => {
    // Lazily: what was killed may hold a file a moment longer.
    run('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || error?.message}`)
}
