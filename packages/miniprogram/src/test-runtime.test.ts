import { SeededRandom } from '@budao/resilience'
import type { VirtualTime } from '@budao/testkit'
import type { Runtime } from './runtime.ts'

/** A runtime whose time moves only when the test says so. */
export function testRuntime(time: VirtualTime, seed = 7): Runtime {
  return {
    now: () => time.now(),
    wallNow: () => 1_800_000_000_000 + time.now(),
    random: new SeededRandom(seed),
    after: (ms, fire) => time.after(ms, fire),
  }
}
