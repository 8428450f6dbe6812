import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../seeded-random.ts'
import { Detector } from './detector.ts'
import type { DetectorOptions } from './detector-options.ts'
import type { ProbeOutcome } from './detector.ts'

/** What a place does: answers after 5 ms, refuses, or is silent. */
type Behaviour = 'fine' | 'gone' | 'silent'

/** A place, and one observer with the heartbeats around its detector; a turn each millisecond. */
class Watch {
  now = 0
  readonly detector: Detector
  readonly log: string[] = []
  readonly #due: { at: number; run: () => void }[] = []
  #noted = 'up'
  behaviour: Behaviour = 'fine'
  plains = true

  constructor(options: Partial<DetectorOptions> = {}, phaseMs = 0) {
    this.detector = new Detector(0, options)
    this.#after(phaseMs % 500, () => this.#beat())
    this.#after(phaseMs % 3000, () => this.#plain())
  }

  run(untilMs: number): void {
    for (; this.now < untilMs; this.now++) {
      for (const each of this.#due.filter(({ at }) => at <= this.now)) {
        this.#due.splice(this.#due.indexOf(each), 1)
        each.run()
      }
      const { probeTimeoutMs, burst } = this.detector.step(this.now)
      if (probeTimeoutMs > 0)
        this.#ask(probeTimeoutMs, (outcome, rttMs) => this.detector.probed(burst, outcome, rttMs, this.now))
      this.#note()
    }
  }

  /** From now on; a process that is gone has its connection closed by its kernel. */
  become(behaviour: Behaviour): void {
    this.behaviour = behaviour
    if (behaviour === 'gone') this.detector.hard('closed', this.now)
    this.#note()
  }

  states(): string[] {
    return this.log.map((line) => line.split(' ')[1]!)
  }

  #note(): void {
    if (this.detector.state === this.#noted) return
    this.#noted = this.detector.state
    this.log.push(`${this.now} ${this.#noted}`)
  }

  #beat(): void {
    this.#after(500, () => this.#beat())
    this.#ask(2000, (outcome, rttMs) => {
      if (outcome === 'answered') this.detector.beat(rttMs, this.now)
      else if (outcome === 'refused') this.detector.hard('refused', this.now)
    })
  }

  #plain(): void {
    this.#after(3000, () => this.#plain())
    if (this.plains) this.#ask(2000, (outcome) => this.detector.plain(outcome === 'answered', this.now))
  }

  #ask(timeoutMs: number, then: (outcome: ProbeOutcome, rttMs: number) => void): void {
    if (this.behaviour === 'gone') this.#after(1, () => then('refused', 1))
    else if (this.behaviour === 'fine') this.#after(5, () => then('answered', 5))
    else this.#after(timeoutMs, () => then('failed', timeoutMs))
  }

  #after(ms: number, run: () => void): void {
    this.#due.push({ at: this.now + ms, run })
  }
}

/** When the place is down, milliseconds after the fault, for faults at every phase of the heartbeats. */
function verdicts(behaviour: Behaviour, options: Partial<DetectorOptions>): { min: number; max: number } {
  const random = new SeededRandom(1)
  const times = Array.from({ length: 60 }, () => {
    const watch = new Watch(options, Math.floor(random.next() * 3000))
    watch.run(10_000)
    watch.become(behaviour)
    watch.run(10_000 + 11_500)
    assert.equal(watch.detector.state, 'down')
    return Number(watch.log.at(-1)!.split(' ')[0]) - 10_000
  })
  return { min: Math.min(...times), max: Math.max(...times) }
}

test('a process that is gone is down after three refusals: within 300 ms, whatever the phase', () => {
  const { min, max } = verdicts('gone', {})
  assert.ok(min >= 200 && max <= 300, `${min} to ${max}`)
})

test('silence is down within 2212 ms, as the worst case says', () => {
  const { min, max } = verdicts('silent', {})
  assert.ok(min > 1400 && max <= 2212, `${min} to ${max}`)
})

test('the plain heartbeat alone needs 6 to 9 s for a process that is gone, 8 to 11 s for silence', () => {
  const gone = verdicts('gone', { mode: 'literal' })
  assert.ok(gone.min >= 6000 && gone.max <= 9010, `${gone.min} to ${gone.max}`)
  const silent = verdicts('silent', { mode: 'literal' })
  assert.ok(silent.min >= 8000 && silent.max <= 11_010, `${silent.min} to ${silent.max}`)
})

test('where no beats are answered the plain heartbeat alone brings it down in the end', () => {
  const watch = new Watch()
  watch.run(5_000)
  watch.plains = false
  for (let miss = 0; miss < 3; miss++) watch.detector.plain(false, watch.now)
  assert.equal(watch.detector.state, 'down')
  assert.deepEqual(watch.detector.causes, ['missed'])
})

test('a stop of 700 ms is not even suspected, one of 1.4 s is suspected and cleared', () => {
  const watch = new Watch({}, 250)
  // One that was sent meanwhile would be missed later, and suspected once more.
  watch.plains = false
  watch.run(10_000)
  watch.become('silent')
  watch.run(10_700)
  watch.become('fine')
  watch.run(20_000)
  assert.deepEqual(watch.states(), [])
  watch.become('silent')
  watch.run(21_400)
  watch.become('fine')
  watch.run(30_000)
  assert.deepEqual(watch.states(), ['suspect', 'up'])
})

test('a process that restarts within the burst was never down', () => {
  const watch = new Watch()
  watch.run(10_000)
  watch.become('gone')
  watch.run(10_090)
  watch.become('fine')
  watch.run(15_000)
  assert.deepEqual(watch.states(), ['suspect', 'up'])
})

test('failing requests raise a suspicion, an answered probe clears it, blips below a second decide nothing', () => {
  const watch = new Watch()
  watch.run(10_000)
  for (let i = 0; i < 3; i++) watch.detector.request('connect-failed', watch.now)
  assert.equal(watch.detector.state, 'suspect')
  watch.run(10_010)
  assert.equal(watch.detector.state, 'up')
  watch.become('silent')
  for (let i = 0; i < 5; i++) watch.detector.request('timed-out', watch.now)
  watch.run(11_000)
  assert.equal(watch.detector.state, 'suspect')
  watch.run(11_400)
  assert.equal(watch.detector.state, 'down')
  assert.deepEqual(watch.detector.causes, ['traffic'])
})

test('half of twenty requests within a second is enough, and so is nothing less', () => {
  const detector = new Detector(0)
  for (let i = 0; i < 9; i++) {
    detector.request('served', 5_000 + i)
    detector.request('failed', 5_000 + i)
  }
  detector.request('served', 5_100)
  assert.equal(detector.state, 'up')
  detector.request('failed', 5_100)
  assert.equal(detector.state, 'suspect')
  detector.request('served', 5_101)
  assert.equal(detector.state, 'up')
})

test('a request that was served does not save a process that is gone', () => {
  const detector = new Detector(0)
  detector.hard('closed', 100)
  detector.request('served', 101)
  assert.equal(detector.state, 'suspect')
})

test('what was served before the process ended proves nothing; what is served after it does, and a pause makes the word old', () => {
  const watch = new Watch()
  watch.run(200)
  watch.detector.request('served', 200)
  watch.become('gone')
  watch.run(500)
  const served = (): number | null => watch.detector.evidence(watch.now).servedMs
  assert.deepEqual([watch.detector.state, watch.detector.gone, served()], ['down', true, null])
  watch.detector.request('served', 300)
  assert.equal(served(), null, 'it was on its way')
  watch.detector.request('served', 490)
  assert.equal(served(), 10)
  watch.detector.restart(500)
  assert.deepEqual([watch.detector.state, watch.detector.gone], ['down', false])
})

test('silence never makes a process gone, whatever ended before it', () => {
  const watch = new Watch()
  watch.run(3_000)
  watch.become('silent')
  watch.detector.hard('reset', watch.now)
  watch.run(9_000)
  assert.deepEqual([watch.detector.state, watch.detector.gone], ['down', false])
})

test('back up needs three answers and thirty seconds without a miss', () => {
  const watch = new Watch()
  watch.run(10_000)
  watch.become('gone')
  watch.run(12_000)
  watch.become('fine')
  watch.run(30_000)
  watch.become('gone')
  watch.run(30_600)
  watch.become('fine')
  watch.run(60_000)
  assert.equal(watch.detector.state, 'down')
  watch.run(61_200)
  assert.equal(watch.detector.state, 'up')
})

test('one second up and one second down for two minutes is one fall', () => {
  const watch = new Watch()
  for (let second = 10; second < 130; second++) {
    watch.run(second * 1000)
    watch.become(second % 2 === 0 ? 'gone' : 'fine')
  }
  watch.run(140_000)
  assert.equal(watch.log.filter((line) => line.endsWith('down')).length, 1)
})

test('who falls three times is not up again until the penalty has gone down to 750', () => {
  const watch = new Watch({ stableMs: 1000 })
  for (let fall = 0; fall < 3; fall++) {
    watch.run(watch.now + 3_000)
    watch.become('gone')
    watch.run(watch.now + 1_000)
    watch.become('fine')
  }
  const since = watch.now
  watch.run(since + 90_000)
  assert.equal(watch.detector.state, 'down')
  watch.run(since + 125_000)
  assert.equal(watch.detector.state, 'up')
})

test('what is started after its watch began is up by three answers, the first time; from then on it has to be stable', () => {
  const watch = new Watch()
  watch.become('gone')
  watch.run(4_000)
  watch.become('fine')
  watch.run(6_000)
  assert.deepEqual(watch.states(), ['suspect', 'down', 'up'])
  watch.become('gone')
  watch.run(8_000)
  watch.become('fine')
  watch.run(20_000)
  assert.deepEqual(watch.states(), ['suspect', 'down', 'up', 'suspect', 'down'])
})

test('what has not been started yet when its watch begins has not flapped, however often that is found', () => {
  const watch = new Watch({ stableMs: 1000 })
  watch.behaviour = 'gone'
  for (let found = 0; found < 3; found++) {
    const since = watch.now
    watch.run(since + 8_000)
    assert.equal(watch.detector.state, 'down')
    watch.detector.forget(since, watch.now)
  }
  assert.equal(watch.detector.evidence(watch.now).flapPenalty, 0)
  watch.behaviour = 'fine'
  watch.run(watch.now + 3_000)
  assert.equal(watch.detector.state, 'up')
  watch.become('gone')
  watch.run(watch.now + 1_000)
  assert.ok(watch.detector.evidence(watch.now).flapPenalty > 900)
})

test('an observer that was away takes back its suspicion, not its verdict', () => {
  const detector = new Detector(0)
  detector.hard('reset', 50)
  detector.restart(5_000)
  assert.equal(detector.state, 'up')
  assert.equal(detector.step(6_400).probeTimeoutMs, 0)
  for (let miss = 0; miss < 3; miss++) detector.plain(false, 6_400)
  detector.restart(9_000)
  assert.equal(detector.state, 'down')
})

test('an observer that was cut off forgets the verdicts of that time, and no others', () => {
  const detector = new Detector(0)
  for (let miss = 0; miss < 3; miss++) detector.plain(false, 6_400)
  detector.forget(7_000, 9_000)
  assert.equal(detector.state, 'down')
  detector.forget(6_000, 9_000)
  assert.equal(detector.state, 'up')
  assert.equal(detector.step(10_300).probeTimeoutMs, 0)
  assert.notEqual(detector.step(10_600).probeTimeoutMs, 0)
})

test('probes wait as long as the network is slow, within limits', () => {
  const timeoutAfter = (rttMs: number): number => {
    const detector = new Detector(0)
    detector.beat(rttMs, 400)
    detector.hard('reset', 500)
    return detector.step(500).probeTimeoutMs
  }
  assert.equal(timeoutAfter(2), 200)
  assert.equal(timeoutAfter(80), 320)
  assert.equal(timeoutAfter(150), 400)
  assert.equal(timeoutAfter(350), 700)
})

test('an outage makes no beat uneven: the next one is found as soon as the first', () => {
  const downAfter = (watch: Watch): number => {
    const from = watch.now
    watch.become('silent')
    watch.run(from + 5_000)
    const at = watch.log.map((line) => line.split(' ')).findLast(([, state]) => state === 'down')![0]
    watch.become('fine')
    watch.run(from + 25_000)
    return Number(at) - from
  }
  const watch = new Watch({ stableMs: 2_000 })
  watch.run(20_000)
  const first = downAfter(watch)
  assert.equal(downAfter(watch), first)
  assert.ok(first <= 2_212)
})

test('beats that come unevenly make silence less telling', () => {
  const uneven = new Detector(0)
  for (let beat = 1, now = 0; beat <= 30; beat++) uneven.beat(5, (now += beat % 2 === 0 ? 200 : 1000))
  const [even, last] = [new Detector(0), 30 * 600]
  for (let beat = 1; beat <= 36; beat++) even.beat(5, beat * 500)
  assert.ok(uneven.step(last).wakeAt > even.step(last).wakeAt)
})
