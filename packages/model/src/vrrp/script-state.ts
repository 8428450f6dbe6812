/** When results of a script become its state. */
export interface ScriptThresholds {
  /** Good results in a row until it is well. Default 1. */
  readonly rise: number
  /** Bad results in a row until it fails. Default 1. */
  readonly fall: number
}

/** What is known of a script. Before its first result nothing is. */
export interface ScriptState {
  readonly well: boolean
  /** No result has come yet: the first one decides, whatever `rise` says. */
  readonly fresh: boolean
  /** Results against `well` in a row. */
  readonly against: number
}

/** Before the first result. With `failed` (`init_fail`) it counts as failing until `rise` good results have come. */
export function scriptAtStart(failed = false): ScriptState {
  return { well: !failed, fresh: !failed, against: 0 }
}

/** One more result. A result that agrees with the state forgets those that did not. */
export function scriptAfter(
  state: ScriptState,
  good: boolean,
  { rise, fall }: ScriptThresholds,
): ScriptState {
  if (state.fresh && good) return { well: true, fresh: false, against: 0 }
  if (good === state.well) return { well: state.well, fresh: false, against: 0 }
  const against = state.against + 1
  if (against < (good ? rise : fall)) return { well: state.well, fresh: false, against }
  return { well: good, fresh: false, against: 0 }
}
