import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { SiteFault } from '@budao/testkit'
import { UsageError } from '../options.ts'
import type { TrialResult } from './trial.ts'

/** What came of one trial of one contender. */
export interface Told extends TrialResult {
  readonly arm: string
  readonly turn: number
}

/** What makes trials comparable: others are not gone on with. */
export interface Terms {
  readonly seed: number
  readonly faults: readonly SiteFault[]
  readonly arms: readonly { readonly name: string; readonly about: string }[]
}

/** Trials that an earlier run with the same terms has kept; none where there is no file. Throws UsageError for another file. */
export function earlierTrials(file: string, terms: Terms): readonly Told[] {
  if (!existsSync(file)) return []
  let found: Partial<Terms> & { results?: readonly Told[] }
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as typeof found
  } catch {
    throw new UsageError(`--resume: ${file} is not what --file writes`)
  }
  const same = (['seed', 'faults', 'arms'] as const).filter(
    (key) => JSON.stringify(found[key]) !== JSON.stringify(terms[key]),
  )
  if (same.length > 0)
    throw new UsageError(
      `--resume: ${file} was measured with another ${same.join(', ')}: take the same, or another file`,
    )
  return found.results ?? []
}

/** Renamed into place: whoever is killed leaves what was there before. */
export function keepResults(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
