import { effectivePriority, type Observed, ownerPriority, type Tracked } from './priority.ts'

/** What a node says of itself. */
export interface VrrpMember {
  readonly priority: number
  readonly tracked: readonly Tracked[]
  /** False (`nopreempt`): as a backup it leaves a master alone that still sends adverts, however low its priority. */
  readonly preempts: boolean
}

/**
 * Whether a backup takes over when one tracked thing of the master fails and all else is well.
 *
 * fault          yes: the master leaves the election, its last advert says so
 * outvoted       yes: the master's priority falls below the backup's
 * owner          no: 255 is never changed
 * raised         no: failing raises the master's priority, or leaves the fault
 * saturated      no: the sum is beyond the range with the failure and without it, so nothing changes
 * gap            no: the master's priority falls, and not below the backup's
 * never-preempts no: it falls low enough, and the backup has `nopreempt`
 */
export type TakeoverVerdict =
  | 'fault'
  | 'outvoted'
  | 'owner'
  | 'raised'
  | 'saturated'
  | 'gap'
  | 'never-preempts'

/** A verdict with the numbers behind it. */
export interface Takeover {
  readonly verdict: TakeoverVerdict
  readonly master: {
    readonly base: number
    readonly well: number | 'fault'
    readonly failing: number | 'fault'
  }
  readonly backup: { readonly base: number; readonly well: number | 'fault' }
}

/** Judges the failure of `master.tracked[failing]`. A tie keeps the master: a backup gives way to an equal. */
export function judgeTakeover(master: VrrpMember, failing: number, backup: VrrpMember): Takeover {
  const well = effectivePriority(master.priority, observe(master))
  const failed = effectivePriority(master.priority, observe(master, failing))
  const other = effectivePriority(backup.priority, observe(backup))
  return {
    verdict: verdictOf(master, well, failed, backup, other),
    master: { base: master.priority, well, failing: failed },
    backup: { base: backup.priority, well: other },
  }
}

/** True where the service moves. */
export function takesOver(verdict: TakeoverVerdict): boolean {
  return verdict === 'fault' || verdict === 'outvoted'
}

/**
 * The least priority of a backup, otherwise like the master, that takes over when `tracked[failing]` fails; undefined
 * when none below the master's does.
 */
export function leastBackupPriority(master: VrrpMember, failing: number): number | undefined {
  for (let priority = 1; priority < master.priority; priority++) {
    if (takesOver(judgeTakeover(master, failing, { ...master, priority }).verdict)) return priority
  }
  return undefined
}

function verdictOf(
  master: VrrpMember,
  well: number | 'fault',
  failing: number | 'fault',
  backup: VrrpMember,
  other: number | 'fault',
): TakeoverVerdict {
  if (other === 'fault') return 'gap'
  if (failing === 'fault') return 'fault'
  if (master.priority === ownerPriority) return 'owner'
  if (well === 'fault' || failing > well) return 'raised'
  if (failing === well) return 'saturated'
  if (failing >= other) return 'gap'
  return backup.preempts ? 'outvoted' : 'never-preempts'
}

function observe({ tracked }: VrrpMember, failing = -1): Observed[] {
  return tracked.map((each, index) => ({ tracked: each, well: index !== failing }))
}
