import { globSync } from 'node:fs'

/** Every unit test of the workspace. Run from its root. */
export const unitTests: readonly string[] = globSync(
  ['*.test.ts', '{packages,examples,sim,bench,scripts}/**/*.test.ts'],
  { exclude: ['**/node_modules', '**/dist'] },
).toSorted()

/** What runs them, a process each. */
export const unitProcesses = [
  'scripts/unit/first.ts',
  'scripts/unit/second.ts',
  'scripts/unit/third.ts',
] as const

/**
 * They start the demo with its fifteen processes, say something of shares and single lost calls, or rely on answers within a second:
 * a busy machine can spoil that.
 */
const alone = [
  ...['drills', 'hand-over', 'miniprogram', 'replicated-shop', 'replication-trials', 'site-loss'],
  ...['slow-clients', 'slow-site', 'virtual-ip'],
]

/** The end-to-end tests that mostly wait, and those that have the machine for themselves. */
export const endToEnd: { readonly beside: readonly string[]; readonly alone: readonly string[] } = {
  beside: globSync('e2e/*.e2e.test.ts', { exclude: alone.map(endToEndFile) }).toSorted(),
  alone: alone.map(endToEndFile),
}

function endToEndFile(name: string): string {
  return `e2e/${name}.e2e.test.ts`
}
