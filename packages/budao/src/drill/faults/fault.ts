import type { LinkLoss } from '@budao/controller'
import type { BadRelease } from './bad-release.ts'
import type { KnownProcess } from './known-process.ts'

/** What a drill breaks, as it stands in the journal: enough to take it back, whoever does. */
export type Fault =
  /** Nothing to take back: whoever supervises them starts them again. */
  | { readonly kind: 'kill'; readonly processes: readonly KnownProcess[] }
  | { readonly kind: 'stop'; readonly processes: readonly KnownProcess[] }
  /** Stopped and let go on, again and again. */
  | {
      readonly kind: 'stutter'
      readonly processes: readonly KnownProcess[]
      readonly stoppedMs: number
      readonly runningMs: number
    }
  | PacketLoss
  /** A node that neither other nodes nor the coordination store reach; it ends by itself too. */
  | { readonly kind: 'cut-links'; readonly admin: string; readonly lost: LinkLoss }
  /** A release with users that is a bad one; that ends by itself too. */
  | BadRelease
  /** A DNS server that hears and does not answer; it ends by itself too. */
  | { readonly kind: 'mute-dns'; readonly admin: string }

/** Packets between this machine and endpoints that get lost. */
export type PacketLoss = {
  readonly kind: 'cut'
  readonly endpoints: readonly string[]
  readonly lost: 'everything' | 'answers'
} & ({ readonly by: 'firewall' } | { readonly by: 'relay'; readonly control: string })

/** A fault in force. */
export interface Injected {
  /** What it met, for people: processes by name and number, endpoints. */
  readonly hit: readonly string[]
  /** Takes it back; again and again is as good as once. */
  restore(): Promise<void>
}
