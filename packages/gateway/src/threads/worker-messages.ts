import type { MessagePort } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'
import type { Challenges } from '../acme/acme-challenges.ts'
import type { PurgeMatch } from '../cache/purge-match.ts'
import type { KeyTexts } from '../keys/remote-texts.ts'
import type { PeerAddresses } from '../ownership/peers.ts'
import type { RuntimePlan } from './runtime.ts'
import type { ServedTextsByName } from '../serve/served-texts.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly worker: number
  readonly memory: SharedArrayBuffer
  readonly metrics: SharedArrayBuffer
  readonly listenerMetrics: SharedArrayBuffer
  /** Seed of the thread's own random source: four 32-bit integers. */
  readonly seed: readonly [number, number, number, number]
}

/** What a worker can be asked. A snapshot is first prepared everywhere, then committed everywhere or nowhere. */
export type WorkerOrder =
  | {
      readonly kind: 'prepare'
      readonly plan: RuntimePlan
      readonly keys: KeyTexts
      readonly served: ServedTextsByName
    }
  /** `addresses`: where listeners with port 0 are bound already, by name. */
  | { readonly kind: 'commit'; readonly addresses: Readonly<Record<string, string>> }
  | { readonly kind: 'abandon' }
  /** Certificates have changed while the snapshot stays. */
  | { readonly kind: 'renew-tls'; readonly tls: TlsMaterial }
  /** Purges the caches that are not in memory. */
  | { readonly kind: 'purge'; readonly match: PurgeMatch }
  /** Key sets that were fetched, all of them. */
  | { readonly kind: 'keys'; readonly keys: KeyTexts }
  /** What ACME directories are to be answered, all of it. */
  | { readonly kind: 'challenges'; readonly challenges: Challenges }
  /** The way to the thread that keeps keys of writes. */
  | { readonly kind: 'key-file'; readonly port: MessagePort }
  /** What routes answer with by themselves, all of it. */
  | { readonly kind: 'served'; readonly texts: ServedTextsByName }
  /** Where other gateways are, all of them. */
  | { readonly kind: 'peers'; readonly addresses: PeerAddresses }
  | { readonly kind: 'drain' }
  | { readonly kind: 'close' }

/** From the main thread to a worker. `id` comes back with the answer. */
export type ToWorker = WorkerOrder & { readonly id: number }

export type WorkerAnswer =
  | { readonly kind: 'done'; readonly id: number }
  /** Where the listeners are bound, by name. */
  | { readonly kind: 'committed'; readonly id: number; readonly addresses: Readonly<Record<string, string>> }
  /** How many records were removed. */
  | { readonly kind: 'purged'; readonly id: number; readonly removed: number }
  | { readonly kind: 'failed'; readonly id: number; readonly problem: string }

export type FromWorker =
  | WorkerAnswer
  | { readonly kind: 'event'; readonly event: EventDraft }
  | { readonly kind: 'warning'; readonly message: string }
  /** A token names a key that is not among those of this URL. */
  | { readonly kind: 'keys-wanted'; readonly url: string }
