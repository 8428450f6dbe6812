import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteOpinion, SiteState, SuspicionCause } from '@budao/model'
import { downButServes, isSilentOutside, judgeSite, surelyGone } from './verdict.ts'
import type { HeardOpinion } from './verdict.ts'

const three = ['east', 'west', 'witness']
const two = ['east', 'west']

interface Said {
  readonly causes?: SuspicionCause[]
  readonly abstains?: string
  readonly servedMs?: number
  readonly answeredMs?: number
  readonly ageMs?: number
  readonly observer?: string
  /** It finds the site slow, so many milliseconds. */
  readonly slowMs?: number
}

const hard = { causes: ['closed', 'refused'] as SuspicionCause[] }

/** What an observer of `domain` says of east. */
function says(domain: string, state: SiteState, said: Said = {}): HeardOpinion {
  const {
    causes = [],
    abstains = null,
    servedMs = null,
    answeredMs = 2_000,
    ageMs = 0,
    observer = domain,
    slowMs,
  } = said
  const opinion: SiteOpinion = {
    observer,
    domain,
    service: 'shop',
    site: 'east',
    state,
    abstains,
    evidence: {
      causes,
      sinceMs: 0,
      answeredMs,
      servedMs,
      phi: 0,
      misses: 0,
      probesFailed: 0,
      probesSent: 0,
      flapPenalty: 0,
    },
    ...(slowMs === undefined ? {} : { slow: { by: 'traffic', ms: slowMs, usualMs: 10 } }),
  }
  return { opinion, at: 10_000 - ageMs }
}

/** It finds east slow, and had an answer so long ago. */
function slow(domain: string, answeredMs = 100, state: SiteState = 'degraded'): HeardOpinion {
  return says(domain, state, { slowMs: 500, answeredMs })
}

const table: [what: string, heard: HeardOpinion[], domains: string[], expected: string][] = [
  ['nobody says anything', [], three, 'unknown nobody'],
  ['all is well', [says('east', 'up'), says('west', 'up'), says('witness', 'up')], three, 'up agreed'],
  ['two of three domains', [says('west', 'down'), says('witness', 'down')], three, 'down quorum'],
  ['one of three domains', [says('west', 'down'), says('witness', 'up')], three, 'suspect no-quorum'],
  ['one of three, the others silent', [says('west', 'down')], three, 'suspect no-quorum'],
  [
    'two observers of one domain are one voice',
    [says('west', 'down', { observer: 'a' }), says('west', 'down', { observer: 'b' })],
    three,
    'suspect no-quorum',
  ],
  [
    'a domain whose observers disagree says nothing',
    [says('west', 'down', { observer: 'a' }), says('west', 'up', { observer: 'b' }), says('witness', 'down')],
    three,
    'suspect no-quorum',
  ],
  [
    'old words do not count',
    [says('west', 'down', { ageMs: 1_001 }), says('witness', 'down')],
    three,
    'suspect no-quorum',
  ],
  [
    'who is not well abstains',
    [says('west', 'down', { abstains: 'paused' }), says('witness', 'down')],
    three,
    'suspect no-quorum',
  ],
  [
    'who was served there a moment ago vetoes',
    [says('west', 'down', { servedMs: 250 }), says('witness', 'down'), says('east', 'down')],
    three,
    'suspect vetoed',
  ],
  [
    'against silence also who was served within a second',
    [says('west', 'down', { servedMs: 900, ageMs: 60 }), says('witness', 'down')],
    three,
    'suspect vetoed',
  ],
  [
    'and not any more after it',
    [says('west', 'down', { servedMs: 950, ageMs: 60 }), says('witness', 'down')],
    three,
    'down quorum',
  ],
  [
    'against the kernel’s word of a quorum only who was served within 300 ms',
    [says('west', 'down', { ...hard, servedMs: 250, ageMs: 60 }), says('witness', 'down', hard)],
    three,
    'down quorum',
  ],
  [
    'the site itself cannot veto: what it sees from inside helps nobody outside',
    [says('east', 'up', { servedMs: 1, answeredMs: 1 }), says('west', 'down'), says('witness', 'down')],
    three,
    'down quorum',
  ],
  [
    'two sites: silence alone is advice',
    [says('west', 'down', { causes: ['silence'] })],
    two,
    'advise no-witness',
  ],
  ['two sites: the kernel’s word decides', [says('west', 'down', { causes: ['closed'] })], two, 'down hard'],
  [
    'two sites: not against the word of the site itself',
    [says('west', 'down', { causes: ['closed'] }), says('east', 'up')],
    two,
    'suspect no-quorum',
  ],
  ['two sites that agree', [says('west', 'down'), says('east', 'down')], two, 'down quorum'],
  ['slow for most', [slow('west'), slow('witness'), says('east', 'up')], three, 'degraded slow'],
  ['slow for one of three', [slow('west'), says('witness', 'up'), says('east', 'up')], three, 'up agreed'],
  ['slow for one, the others silent', [slow('west')], three, 'up agreed'],
  ['two sites: slow only where both say so', [slow('west'), says('east', 'up')], two, 'up agreed'],
  ['two sites that find it slow', [slow('west'), slow('east')], two, 'degraded slow'],
  [
    'a domain whose observers disagree finds nothing slow',
    [slow('west'), says('west', 'up', { observer: 'b' }), slow('witness'), says('east', 'up')],
    three,
    'up agreed',
  ],
  [
    'who finds it slow has seen it alive, and vetoes',
    [says('east', 'down'), says('witness', 'down'), slow('west', 100)],
    three,
    'suspect vetoed',
  ],
  [
    'slow never makes down: one that is slow and silent is down by its silence',
    [slow('west', 5_000, 'down'), slow('witness', 5_000, 'down'), slow('east', 5_000)],
    three,
    'down quorum',
  ],
]
for (const [what, heard, domains, expected] of table) {
  test(`${what}: ${expected}`, () => {
    const { state, code, votes } = judgeSite('shop', 'east', heard, domains, 10_000)
    assert.equal(`${state} ${code}`, expected)
    assert.equal(votes.length, heard.length)
  })
}

test('words on another site or service are not looked at', () => {
  const other = says('west', 'down')
  const heard = [{ ...other, opinion: { ...other.opinion, service: 'cart' } }]
  assert.equal(judgeSite('shop', 'east', heard, three, 10_000).code, 'nobody')
})

test('surely gone needs the kernel’s word in two domains besides its own', () => {
  const judge = (...heard: HeardOpinion[]): boolean =>
    surelyGone(judgeSite('shop', 'east', heard, three, 10_000))
  assert.equal(judge(says('west', 'down', hard), says('witness', 'down', hard)), true)
  assert.equal(judge(says('west', 'down', hard), says('east', 'down', hard)), false)
  assert.equal(judge(says('west', 'down', hard), says('witness', 'down', { causes: ['silence'] })), false)
})

test('down but for those who are served: two domains besides its own, and a veto', () => {
  const judge = (...heard: HeardOpinion[]): boolean =>
    downButServes(judgeSite('shop', 'east', heard, three, 10_000))
  const served = says('west', 'down', { servedMs: 100 })
  assert.equal(judge(served, says('witness', 'down')), true)
  assert.equal(judge(served, says('witness', 'suspect')), false)
  assert.equal(judge(served, says('witness', 'down', { abstains: 'isolated' })), false)
  assert.equal(judge(served, says('east', 'down')), false)
  assert.equal(judge(says('west', 'down'), says('witness', 'down')), false, 'that is down')
})

test('silent outside: nobody there has had an answer for a second and a half, however patient, and two domains say so', () => {
  const judge = (...heard: HeardOpinion[]): boolean =>
    isSilentOutside(judgeSite('shop', 'east', heard, three, 10_000))
  const west = says('west', 'up', { answeredMs: 1_600 })
  assert.equal(judge(west, says('witness', 'suspect', { answeredMs: 1_500 })), true)
  assert.equal(judge(west, says('witness', 'suspect', { answeredMs: 900, ageMs: 600 })), true)
  assert.equal(judge(west, says('witness', 'suspect', { answeredMs: 1_400 })), false)
  assert.equal(judge(west, says('witness', 'down', { abstains: 'loop-delay' })), false)
  assert.equal(judge(west, says('witness', 'down', { ageMs: 1_100 })), false, 'an old word')
  assert.equal(judge(west, says('east', 'up')), false)
  assert.equal(judge(west, says('witness', 'down'), says('north', 'up', { answeredMs: 200 })), false)
})
