import type { EventDraft } from '@budao/model'
import type { RuntimePlan } from './runtime.ts'

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly worker: number
  readonly memory: SharedArrayBuffer
  readonly metrics: SharedArrayBuffer
  /** Seed of the thread's own random source: four 32-bit integers. */
  readonly seed: readonly [number, number, number, number]
}

/** From the main thread to a worker. A snapshot is first prepared everywhere, then committed everywhere or nowhere. */
export type ToWorker =
  | { readonly kind: 'prepare'; readonly plan: RuntimePlan }
  /** `addresses`: where listeners with port 0 are bound already, by name. */
  | { readonly kind: 'commit'; readonly addresses: Readonly<Record<string, string>> }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'close' }

export type FromWorker =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'committed'; readonly addresses: Readonly<Record<string, string>> }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'drained' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'event'; readonly event: EventDraft }
  | { readonly kind: 'warning'; readonly message: string }
