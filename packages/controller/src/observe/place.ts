import type { ProbeOutcome } from '@budao/resilience'

/** Something at a site that can be asked whether it is alive: as alive as the best of what it is made of. */
export interface Place {
  /** Never rejects, and takes little longer than that. */
  probe(timeoutMs: number): Promise<ProbeOutcome>
}

/** The best of several outcomes: answered as soon as one is; refused only when all are. */
export async function bestOf(asked: readonly Promise<ProbeOutcome>[]): Promise<ProbeOutcome> {
  if (asked.length === 0) return 'failed'
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
  let [left, refused] = [asked.length, 0]
  for (const each of asked) {
    void each.then((outcome) => {
      left--
      if (outcome === 'answered') resolve('answered')
      if (outcome === 'refused') refused++
      if (left === 0) resolve(refused === asked.length ? 'refused' : 'failed')
    })
  }
  return promise
}
