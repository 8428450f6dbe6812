import type { UnitState } from './unit-state.ts'

/** One for each leadership and epoch, so that a late confirmation of an earlier one says nothing. */
export function publishId({ rules, term, lease }: UnitState): string {
  return `${rules.unit}/publish/${term}/${lease?.value.epoch ?? 0}`
}
