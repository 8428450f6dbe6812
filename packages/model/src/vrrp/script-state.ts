/** When results of a script become its state. */
export interface ScriptThresholds {
  /** Good results in a row until it is well. Default 1. */
  readonly rise: number
  /** Bad results in a row until it fails. Default 1. */
  readonly fall: number
}

/** What is known of a script. */
export interface ScriptState {
  readonly well: boolean
  /** No result has come yet: the first one decides, whatever `rise` and `fall` say. */
  readonly fresh: boolean
  /** Results against `well` in a row. */
  readonly against: number
}

/** Before the first result. */
export const freshScript: ScriptState = { well: true, fresh: true, against: 0 }

/** One more result. A result that agrees with the state forgets those that did not. */
export function scriptAfter(
  state: ScriptState,
  good: boolean,
  { rise, fall }: ScriptThresholds,
): ScriptState {
  if (state.fresh || good === state.well) return { well: good, fresh: false, against: 0 }
  const against = state.against + 1
  if (against < (good ? rise : fall)) return { well: state.well, fresh: false, against }
  return { well: good, fresh: false, against: 0 }
}
