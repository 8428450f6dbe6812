import type { Tracked } from '@budao/model/vrrp'
import type { Notes } from '../notes.ts'
import type { Block } from './keepalived-block.ts'
import { type Statement, textOf } from './keepalived-syntax.ts'

/** A `vrrp_script`. Times in milliseconds. */
export interface Script {
  readonly block: Block
  readonly name: string
  readonly command: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
  readonly tracked: Tracked
}

/** Something that an instance tracks, as it stands there. */
export interface TrackedThing {
  readonly statement: Statement
  readonly tracked: Tracked
  /** Absent: an interface, a process. */
  readonly script?: Script
}

/** Every `vrrp_script` of a file, by name. */
export function readScripts(blocks: readonly Block[]): ReadonlyMap<string, Script> {
  return new Map(
    blocks.map((block) => {
      const name = block.statement.args[0] ?? ''
      const intervalMs = block.ms('interval') ?? 1_000
      block.has('init_fail')
      block.has('user')
      return [
        name,
        {
          block,
          name,
          command: block.one('script')?.args.join(' ') ?? '',
          intervalMs,
          timeoutMs: block.ms('timeout') ?? intervalMs,
          rise: block.number('rise') ?? 1,
          fall: block.number('fall') ?? 1,
          tracked: weightOf(block.one('weight')?.args ?? []) ?? { weight: 0 },
        },
      ]
    }),
  )
}

/** What a block (an instance, or the sync group it is in) tracks and what counts with a weight. */
export function readTracked(
  block: Block,
  scripts: ReadonlyMap<string, Script>,
  notes: Notes,
): TrackedThing[] {
  const things: TrackedThing[] = []
  for (const statement of inside(block, 'track_script')) {
    const script = scripts.get(statement.name)
    const own = weightOf(statement.args.slice(statement.args[0] === 'weight' ? 1 : 0))
    if (script !== undefined) things.push({ statement, tracked: own ?? script.tracked, script })
    else
      notes.add('warning', statement, textOf(statement), 'no vrrp_script has this name: nothing is tracked')
  }
  for (const kind of ['track_interface', 'track_process']) {
    for (const statement of inside(block, kind)) {
      const own = weightOf(statement.args.slice(statement.args[0] === 'weight' ? 1 : 0))
      things.push({ statement, tracked: own ?? { weight: 0 } })
      notes.add('lost', statement, `${kind} ${textOf(statement)}`, 'only the gateway is tracked')
    }
  }
  return things
}

/** Statements of all blocks of that name. */
export function inside(block: Block, name: string): Statement[] {
  return block.all(name).flatMap((each) => block.within(each))
}

function weightOf([weight = '', reverse]: readonly string[]): Tracked | undefined {
  if (!/^[+-]?\d{1,3}$/.test(weight)) return undefined
  return { weight: Number(weight), ...(reverse === 'reverse' ? { reverse: true } : {}) }
}
