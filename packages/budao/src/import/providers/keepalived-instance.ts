import { ownerPriority, type VrrpMember } from '@budao/model/vrrp'
import type { Notes } from '../notes.ts'
import type { Block } from './keepalived-block.ts'
import { inside, readTracked, type Script, type TrackedThing } from './keepalived-script.ts'

/** A `vrrp_instance` with the sync group it is in. */
export interface Instance {
  readonly block: Block
  readonly name: string
  readonly state: 'MASTER' | 'BACKUP'
  readonly member: VrrpMember
  readonly things: readonly TrackedThing[]
  readonly group: Block | undefined
  /** In a sync group weights count only where the group says so. */
  readonly weightsIgnored: boolean
}

const priorityDefault = 100

/** Reads every `vrrp_instance`. */
export function readInstances(
  blocks: readonly Block[],
  groups: readonly Block[],
  scripts: ReadonlyMap<string, Script>,
  notes: Notes,
): Instance[] {
  return blocks.map((block) => {
    const name = block.statement.args[0] ?? ''
    const group = groups.find((each) => membersOf(each).includes(name))
    const things = [
      ...readTracked(block, scripts, notes),
      ...(group === undefined ? [] : readTracked(group, scripts, notes)),
    ]
    const written = block.text('state') === 'MASTER' ? 'MASTER' : 'BACKUP'
    const priority = block.number('priority') ?? (written === 'MASTER' ? ownerPriority : priorityDefault)
    const state = priority === ownerPriority ? 'MASTER' : written
    // With state MASTER keepalived drops nopreempt.
    const preempts = !block.has('nopreempt') || state === 'MASTER'
    return {
      block,
      name,
      state,
      member: { priority, tracked: things.map(({ tracked }) => tracked), preempts },
      things,
      group,
      weightsIgnored: group !== undefined && !group.has('sync_group_tracking_weight'),
    }
  })
}

/** Names may stand on lines of their own or on one. */
function membersOf(group: Block): string[] {
  return inside(group, 'group').flatMap(({ name, args }) => [name, ...args])
}
