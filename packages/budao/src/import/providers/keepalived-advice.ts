import {
  adviceOn,
  judgeTakeover,
  leastBackupPriority,
  ownerPriority,
  takesOver,
  type VrrpMember,
} from '@budao/model/vrrp'
import type { Notes } from '../notes.ts'
import type { Instance } from './keepalived-instance.ts'
import { textOf } from './keepalived-syntax.ts'

/** A pair such as 100 before 90 is what most files have: a weight that cannot bridge that is told of. */
const usualGap = 10
const words = { neverPreempts: 'nopreempt' }

/** Tells where the address never leaves though something tracked fails, and what to write instead. */
export function adviseOn(instance: Instance, notes: Notes): void {
  const { block, state, things } = instance
  for (const key of ['nopreempt', 'preempt_delay'] as const) {
    const statement = block.one(key)
    if (statement === undefined || state !== 'MASTER') continue
    const reason = 'has no effect with state MASTER: keepalived drops it. Write state BACKUP on every node'
    notes.add('warning', statement, textOf(statement), reason)
  }
  for (const [index, { statement, tracked, script }] of things.entries()) {
    if (tracked.weight === 0) continue
    const weighted = statement.args.length > 0 ? statement : (script?.block.one('weight') ?? statement)
    const warn = (reason: string): void => notes.add('warning', weighted, textOf(weighted), reason)
    if (instance.weightsIgnored) {
      warn('never fails over: in a sync group what has a weight is not tracked. Write weight 0 (fault)')
      continue
    }
    const window = state === 'BACKUP' ? mastersOf(instance, index) : backupsOf(instance, index)
    if (window === undefined) warn(never(instance, index))
    else if (window.count < usualGap) {
      const reason = `${window.text}: with 100 before 90, as most files have it, it never fails over. Write weight 0 (fault), or a weight that is larger than the gap`
      warn(reason)
    } else notes.add('default', weighted, textOf(weighted), window.text)
  }
}

interface Window {
  readonly count: number
  readonly text: string
}

/** Which backups take over from this node. The other file is not at hand: like this one, but for its priority. */
function backupsOf({ member }: Instance, failing: number): Window | undefined {
  const least = leastBackupPriority(member, failing)
  if (least === undefined) return undefined
  const most = member.priority - 1
  const range = least === most ? `${most}` : `${least} to ${most}`
  return { count: member.priority - least, text: `only a backup with priority ${range} takes over` }
}

/** Which masters this node takes over from. */
function mastersOf({ member }: Instance, failing: number): Window | undefined {
  let most: number | undefined
  for (let priority = member.priority + 1; priority < ownerPriority; priority++) {
    if (takesOver(judgeTakeover({ ...member, priority }, failing, member).verdict)) most = priority
  }
  if (most === undefined) return undefined
  const least = member.priority + 1
  const range = least === most ? `${most}` : `${least} to ${most}`
  return { count: most - member.priority, text: `takes over only from a master with priority ${range}` }
}

/** Why nobody does, in the case of the nearest backup. */
function never({ member, state }: Instance, failing: number): string {
  const [master, backup]: [VrrpMember, VrrpMember] =
    state === 'BACKUP'
      ? [{ ...member, priority: Math.min(254, member.priority + 1) }, member]
      : [member, { ...member, priority: Math.max(1, member.priority - 1) }]
  const { weight } = member.tracked[failing]!
  const advice = adviceOn(judgeTakeover(master, failing, backup), weight, words)
  return advice === undefined ? 'never fails over' : `${advice.problem}. Write ${advice.instead}`
}
