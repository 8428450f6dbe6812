import type { RolloutVerdict } from '@budao/resilience'

/** Why a release goes back, in one sentence. */
export function evidenceText(
  { cause, numbers }: Extract<RolloutVerdict, { kind: 'abort' }>,
  analysis: string,
): string {
  const { canaryErrors, canaryRequests, stableErrors, stableRequests } = numbers
  const failures = `${canaryErrors} of its ${canaryRequests} requests failed, ${stableErrors} of ${stableRequests} at stable`
  switch (cause) {
    case 'errors':
      return `${failures}; ${likelier(numbers.errorEvidence)} if it is worse, ${numbers.errorEvidenceMax} suffices`
    case 'latency':
      return `${numbers.canarySlow} of its ${canaryRequests} answers were slow, ${numbers.stableSlow} of ${stableRequests} at stable; ${likelier(numbers.latencyEvidence)} if it is slower, ${numbers.latencyEvidenceMax} suffices`
    case 'first-requests':
      return `${failures}: most of its first ones`
    case 'unusable':
      return 'none of its endpoints could be asked for 30 s'
    case 'crashing':
      return `one of its endpoints or processes ended and began anew ${numbers.canaryCrashes} times within five minutes, of stable's ${numbers.stableCrashes} times`
    case 'analysis':
      return analysis
    case 'alone':
      return `with all requests it fails as stable never did: ${failures}`
  }
}

/** Why it waits. */
export function holdText({ cause }: Extract<RolloutVerdict, { kind: 'hold' }>, analysis: string): string {
  switch (cause) {
    case 'too-little-data':
      return 'it waits: too few requests at this step for a verdict'
    case 'stable-ill':
      return 'it waits: stable itself fails too much'
    case 'analysis-silent':
    case 'analysis-outside':
      return `it waits: ${analysis}`
    case 'unusable':
      return 'it waits: none of its endpoints can be asked, stable has its users'
    case 'site-lost':
      return 'it waits: where it stands nothing can be asked, of stable neither'
    case 'suspicious':
      return 'it waits: what was seen is more than ten times likelier if it is worse'
  }
}

/** Evidence grows without bound; beyond this nobody reads the number. */
function likelier(times: number): string {
  return `${times > 1_000_000 ? 'over a million' : times} times likelier`
}
