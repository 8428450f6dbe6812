import {
  adviceOn,
  effectivePriority,
  judgeTakeover,
  machineDeathRange,
  type Range,
  serviceFailureRange,
  takesOver,
} from '@budao/model/vrrp'
import { Notes } from '../notes.ts'
import type { Include } from './keepalived-syntax.ts'
import { Block } from './keepalived-block.ts'
import { type Instance, readInstances } from './keepalived-instance.ts'
import { inside, readScripts } from './keepalived-script.ts'
import { parseKeepalived, textOf } from './keepalived-syntax.ts'

/** The file of one node. */
export interface NodeFile {
  readonly file: string
  readonly text: string
  readonly include: Include
}

/** One thing that is found about a virtual router. */
export interface ExplainedFinding {
  readonly file: string
  readonly line: number
  readonly text: string
  /** False: it stays where it is, or is on both. */
  readonly good: boolean
  readonly says: string
}

/** A virtual router with all its nodes, the one first that has the address while all is well. */
export interface ExplainedRouter {
  readonly routerId: number
  readonly addresses: readonly string[]
  readonly nodes: readonly { readonly file: string; readonly base: number; readonly well: number | 'fault' }[]
  readonly findings: readonly ExplainedFinding[]
}

interface Member {
  readonly file: string
  readonly instance: Instance
  readonly well: number | 'fault'
  readonly version: 2 | 3
  readonly advertMs: number
  readonly password: string
  readonly addresses: readonly string[]
}

const words = { neverPreempts: 'nopreempt' }

/** What happens among nodes when something fails, out of the files of all of them. Throws an ImportError. */
export function explainFiles(files: readonly NodeFile[]): ExplainedRouter[] {
  const members = files.flatMap(membersOf)
  const ids = [...new Set(members.map(({ instance }) => routerOf(instance)))].toSorted((a, b) => a - b)
  return ids.map((routerId) => {
    const ranked = members
      .filter(({ instance }) => routerOf(instance) === routerId)
      .toSorted((a, b) => number(b.well) - number(a.well))
    return {
      routerId,
      addresses: ranked[0]!.addresses,
      nodes: ranked.map(({ file, instance, well }) => ({ file, base: instance.member.priority, well })),
      findings: [
        ...alone(ranked, files.length),
        ...ranked.slice(1).flatMap((each) => deafness(ranked[0]!, each)),
        ...takeovers(ranked),
      ],
    }
  })
}

function membersOf({ file, text, include }: NodeFile): Member[] {
  const block = parseKeepalived(text, file, include)
  const top = new Block({ name: file, args: [], block, file, line: 1 })
  const [defs] = top.blocks('global_defs', 'global_definitions')
  const usual = defs?.number('vrrp_version') === 3 ? 3 : 2
  const scripts = readScripts(top.blocks('vrrp_script'))
  const instances = readInstances(
    top.blocks('vrrp_instance'),
    top.blocks('vrrp_sync_group'),
    scripts,
    new Notes(),
  )
  return instances.map((instance) => {
    const own = instance.block
    const addresses = inside(own, 'virtual_ipaddress').map(({ name }) => name.split('/', 1)[0]!)
    const version = own.number('version') ?? (addresses.some((each) => each.includes(':')) ? 3 : usual)
    return {
      file,
      instance,
      well: effectivePriority(
        instance.member.priority,
        instance.member.tracked.map((tracked) => ({ tracked, well: true })),
      ),
      version: version === 3 ? 3 : 2,
      advertMs: own.ms('advert_int') ?? 1_000,
      password:
        own
          .blocks('authentication')
          .map((each) => each.text('auth_pass') ?? '')[0]
          ?.slice(0, 8) ?? '',
      addresses,
    }
  })
}

function alone(ranked: readonly Member[], files: number): ExplainedFinding[] {
  const [only, ...others] = ranked
  if (others.length > 0 || files === 1) return []
  return [about(only!, false, 'no other file has this virtual router: nobody takes the address over')]
}

/** What makes a node throw the other's adverts away: then both have the address. Each was seen with keepalived 2.2.7. */
function deafness(a: Member, b: Member): ExplainedFinding[] {
  const differs: (readonly [what: string, a: string | number, b: string | number])[] = [
    ['version', a.version, b.version],
    ['virtual_ipaddress', a.addresses.toSorted().join(' '), b.addresses.toSorted().join(' ')],
  ]
  // Version 3 takes over the interval that the master announces, and knows no password.
  if (a.version === 2)
    differs.push(
      ['advert_int', a.advertMs / 1_000, b.advertMs / 1_000],
      ['auth_pass', a.password, b.password],
    )
  return differs
    .filter(([, mine, other]) => mine !== other)
    .map(([what, mine, other]) => {
      const values = what === 'auth_pass' ? '' : ` (${other}, and ${mine} there)`
      return about(
        b,
        false,
        `${what} differs from ${a.file}${values}: each throws the other's adverts away, and both have the address`,
      )
    })
}

function takeovers(ranked: readonly Member[]): ExplainedFinding[] {
  return ranked.slice(0, -1).flatMap((master, index) => {
    const backup = ranked[index + 1]!
    const timing = { version: backup.version, advertMs: backup.advertMs, backupPriority: number(backup.well) }
    const things = master.instance.things.map((thing, failing): ExplainedFinding => {
      const { statement, tracked, script } = thing
      const place = { file: statement.file, line: statement.line, text: textOf(statement) }
      if (tracked.weight !== 0 && master.instance.weightsIgnored)
        return {
          ...place,
          good: false,
          says: 'never fails over: in a sync group what has a weight is not tracked. Write weight 0 (fault)',
        }
      const takeover = judgeTakeover(master.instance.member, failing, backup.instance.member)
      const { verdict } = takeover
      const advice = adviceOn(takeover, tracked.weight, words)
      if (advice !== undefined || !takesOver(verdict))
        return {
          ...place,
          good: false,
          says: `${advice?.problem ?? 'never fails over'}. Write ${advice?.instead ?? 'weight 0 (fault)'}`,
        }
      const range =
        script &&
        serviceFailureRange(verdict, { ...timing, intervalMs: script.intervalMs, fall: script.fall })
      return {
        ...place,
        good: true,
        says: `moves to ${backup.file}${range === undefined ? '' : ` within ${rangeText(range)}`}`,
      }
    })
    const death = machineDeathRange({ ...timing, intervalMs: 0, fall: 0 })
    return [
      ...things,
      ...(things.length === 0
        ? [
            about(
              master,
              false,
              'nothing is tracked: the address stays while the machine runs, whatever else fails',
            ),
          ]
        : []),
      about(master, true, `dies: moves to ${backup.file} within ${rangeText(death)}`),
    ]
  })
}

function about({ instance }: Member, good: boolean, says: string): ExplainedFinding {
  const { statement } = instance.block
  return {
    file: statement.file,
    line: statement.line,
    text: textOf(statement).replace(' { … }', ''),
    good,
    says,
  }
}

function routerOf({ block }: Instance): number {
  return block.number('virtual_router_id') ?? 51
}

function number(priority: number | 'fault'): number {
  return priority === 'fault' ? 0 : priority
}

function rangeText({ leastMs, mostMs }: Range): string {
  return `${(leastMs / 1_000).toFixed(2)} to ${(mostMs / 1_000).toFixed(2)} s`
}
