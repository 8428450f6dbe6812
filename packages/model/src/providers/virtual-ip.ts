import { adviceOn, type TakeoverAdvice } from '../vrrp/advice.ts'
import { judgeTakeover, takesOver, type VrrpMember } from '../vrrp/takeover.ts'

/** An address that one of several gateways holds: exactly one key, which says by what. */
export type VirtualIpConfig = { readonly keepalived: KeepalivedConfig }

/** Gateways that keepalived lets share an address, by VRRP. Times in milliseconds. */
export interface KeepalivedConfig {
  /** The network interface that gets the address. */
  readonly interface: string
  /** With the length of their network, such as `10.0.0.100/24`; all of one family. */
  readonly addresses: readonly string[]
  /** Distinguishes groups in one network. */
  readonly routerId: number
  /** By `node.name`, the one that is to have the address first. */
  readonly nodes: Readonly<Record<string, KeepalivedNodeConfig>>
  /** Default 3. */
  readonly version: 2 | 3
  /** Default 1000. */
  readonly advertInterval: number
  /** True: the address goes back to the better node as soon as that is well. Default false. */
  readonly preempt: boolean
  /** How long a better node waits until it takes the address back. Default 0. */
  readonly preemptDelay: number
  /** Sent in clear; only with version 2. */
  readonly password?: string
  readonly check: KeepalivedCheckConfig
  /** Absent: the check alone finds out. */
  readonly watch?: KeepalivedWatchConfig
  /** How long a gateway that ends serves on, no longer ready, until the address has left. Default 3000. */
  readonly handover: number
  /** A program that is told of each change. */
  readonly notify?: string
}

/** One gateway of the group. */
export interface KeepalivedNodeConfig {
  /** Its own address, to which the others send adverts; absent at one: all use multicast. */
  readonly address?: string
  /** 1 to 255; absent: 250, and 10 less for each node before it. */
  readonly priority?: number
  /** Where its interface has another name. */
  readonly interface?: string
}

/** How keepalived finds out whether the gateway beside it serves. Times in milliseconds. */
export interface KeepalivedCheckConfig {
  /** What it runs, with arguments. Exits 0 where the gateway serves. */
  readonly program: string
  /** Asked too: a listener of the gateway that has to answer, below 500. Absent: the admin API alone is. */
  readonly url?: string
  readonly interval: number
  readonly timeout: number
  /** Failed checks in a row until the address leaves. Default 2. */
  readonly fall: number
  /** Passed checks in a row until the node may have it. Default 2. */
  readonly rise: number
  /** 0: a failing node leaves the election. Otherwise its priority changes by so much. Default 0. */
  readonly weight: number
}

/** `budao keepalived watch`: asks more often than keepalived can run a program, and tells it by a file. Milliseconds. */
export interface KeepalivedWatchConfig {
  /** Where it writes 0 (serves) or 1; keepalived sees each change at once. */
  readonly file: string
  /** Default 100. */
  readonly interval: number
  /** Default 500. */
  readonly timeout: number
  /** Default 3. */
  readonly fall: number
  /** Default 10. */
  readonly rise: number
}

const firstPriority = 250
const priorityStep = 10

/** A node as the election sees it. */
export interface RankedNode extends VrrpMember {
  readonly name: string
}

/** The nodes with their priorities, best first. Of equal ones the order of the file counts. */
export function rankNodes({ nodes, check, preempt }: KeepalivedConfig): RankedNode[] {
  return Object.entries(nodes)
    .map(([name, { priority }], index) => ({
      name,
      // High ones: a backup waits (256 - priority) / 256 of an advert before it moves, 0.02 s at 250 and 0.6 s at 100.
      priority: priority ?? Math.max(1, firstPriority - index * priorityStep),
      tracked: [{ weight: check.weight }],
      preempts: preempt,
    }))
    .toSorted((a, b) => b.priority - a.priority)
}

/** A node whose failing check nobody acts on, with the one that should. */
export interface DeadEnd {
  readonly master: RankedNode
  readonly backup: RankedNode
  readonly advice: TakeoverAdvice
}

/** The nodes that the address never leaves though their check fails: none of the others takes it. */
export function deadEnds(config: KeepalivedConfig): DeadEnd[] {
  const ranked = rankNodes(config)
  return ranked.flatMap((master, index) => {
    const backup = ranked[index + 1]
    if (backup === undefined) return []
    const takeover = judgeTakeover(master, 0, backup)
    if (takesOver(takeover.verdict)) return []
    const advice = adviceOn(takeover, config.check.weight, { neverPreempts: '`preempt: false`' })
    return advice === undefined ? [] : [{ master, backup, advice }]
  })
}
