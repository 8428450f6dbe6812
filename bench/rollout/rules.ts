import { judgeRollout, noEvidence, takeLook, type ReleaseLook, type RolloutEvidence } from '@budao/resilience'

/** One way to judge a canary, fed with what both releases did in each stretch of time. Returns true to send it back. */
export interface Rule {
  readonly name: string
  /** How long a stretch is, seconds. */
  readonly everySeconds: number
  begin(): (canary: ReleaseLook, stable: ReleaseLook) => boolean
}

const rules = { falseAborts: 0.01, requestsMin: 200, stableErrorsMax: 0.05 }

/** What Budao does, looking each `everySeconds`. */
export function budaoRule(everySeconds: number): Rule {
  return {
    name: 'Budao',
    everySeconds,
    begin() {
      let seen: RolloutEvidence = noEvidence
      return (canary, stable) => {
        seen = takeLook(seen, canary, stable)
        return judgeRollout(seen, rules).kind === 'abort'
      }
    },
  }
}

const minute = 60

/** More than 5 % of the canary's requests of a minute fail. */
export const fixedThreshold: Rule = {
  name: 'fixed threshold, 5 % of a minute',
  everySeconds: minute,
  begin: () => (canary) => canary.requests > 0 && canary.errors / canary.requests > 0.05,
}

/**
 * Flagger's canary analysis with the figures of its documentation: each minute the success rate must be 99 %; without values the
 * check fails; after five failed checks in all the canary is rolled back (pkg/controller/scheduler.go of 1.4x, rewritten).
 */
export const flagger: Rule = {
  name: 'Flagger, 99 % each minute, threshold 5',
  everySeconds: minute,
  begin() {
    let failed = 0
    return ({ requests, errors }) => {
      if (requests === 0 || (requests - errors) / requests < 0.99) failed++
      return failed >= 5
    }
  },
}

/**
 * An analysis of Argo Rollouts with the condition of its documentation, success rate at least 95 %, and failureLimit 3: it fails
 * with the fourth failed measurement (`failed > limit`), and a measurement without values has failed.
 */
export const argoRollouts: Rule = {
  name: 'Argo Rollouts, 95 % each minute, failureLimit 3',
  everySeconds: minute,
  begin() {
    let failed = 0
    return ({ requests, errors }) => {
      if (requests === 0 || (requests - errors) / requests < 0.95) failed++
      return failed > 3
    }
  },
}
