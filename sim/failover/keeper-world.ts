import type { Checker } from './checker.ts'
import type { Network } from './network.ts'
import type { Site } from './schedule.ts'
import type { SimKeeper } from './sim-keeper.ts'
import type { SimStore } from './sim-store.ts'

export const unit = 'shop'

/** How the rules are broken on purpose, to see that the checkers notice. */
export type Mutation =
  | 'none'
  | 'lying-fence'
  | 'no-guard'
  | 'one-is-a-quorum'
  | 'checked-once'
  | 'epoch-ignored'
  | 'slow-is-down'

/** What a write asks for, and what came of it. */
export interface Write {
  readonly id: number
  readonly epoch: number
}
export type WriteAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly epoch: number; readonly site: Site | null }

/** What a keeper needs of the world. */
export interface KeeperWorld {
  readonly network: Network
  readonly store: SimStore
  readonly checker: Checker
  readonly keepers: readonly SimKeeper[]
  readonly synchronous: boolean
  readonly mutation: Mutation
  readonly draws: { next(): number }
}
