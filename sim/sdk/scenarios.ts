import { good } from './good.ts'
import { lives } from './lives.ts'
import { loss } from './loss.ts'
import { outage } from './outage.ts'
import { primaryDead } from './primary-dead.ts'
import type { Scenario } from './scenario.ts'
import { weak } from './weak.ts'

/** By the name that `--scenario` takes. */
export const scenarios: Readonly<Record<string, Scenario<unknown>>> = {
  good,
  weak,
  loss,
  'primary-dead': primaryDead,
  outage,
  lives,
}
