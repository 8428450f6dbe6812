/**
 * What becomes of a request on a route with keys, as its metric says it.
 *
 * first           done for the first time under its key
 * again           done although it may have been done before
 * replayed        answered from the first result
 * not_replayable  done before, but its answer was too long to keep
 * in_progress     told to come again, for the first one is under way
 * reused          refused: its key was used for something else
 * uncertain       refused: it may have been done before
 * missing         refused: it has no key
 * invalid         refused: its key is none
 * unkept          done without a trace, for keys could not be kept
 * unavailable     refused, for keys could not be kept
 */
export const keyOutcomes = [
  'first',
  'again',
  'replayed',
  'not_replayable',
  'in_progress',
  'reused',
  'uncertain',
  'missing',
  'invalid',
  'unkept',
  'unavailable',
] as const

export type KeyOutcome = (typeof keyOutcomes)[number]

/**
 * What those that were done leave behind: a result, its status alone, nothing, an uncertain key; `failed` when that could not be kept.
 * `alone`: the client had gone meanwhile.
 */
export const keyTraces = ['kept', 'status_kept', 'released', 'uncertain', 'failed', 'alone'] as const

export type KeyTrace = (typeof keyTraces)[number]
