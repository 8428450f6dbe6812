import { globSync } from 'node:fs'

/** Every unit test of the workspace. Run from its root. */
export const unitTests: readonly string[] = globSync(
  ['*.test.ts', '{packages,examples,sim,bench,scripts}/**/*.test.ts'],
  { exclude: ['**/node_modules', '**/dist'] },
).toSorted()
