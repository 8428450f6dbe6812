import type { MessagePort } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'
import type { KeyCounts } from './key-file.ts'
import type { ClaimAnswer, FirstResult, KeyClaim, KeyOwner, Settlement } from './key-store.ts'

/** What the thread of the key file is started with. */
export interface KeyFileStart {
  /** `:memory:` for none that outlives the process. */
  readonly path: string
}

/** From the main thread to that of the key file. */
export type ToKeyFileThread =
  /** One more thread that will ask. */
  { readonly kind: 'port'; readonly port: MessagePort } | { readonly kind: 'close' }

/** From the thread of the key file to the main thread. */
export type FromKeyFileThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'event'; readonly event: EventDraft }
  | { readonly kind: 'counts'; readonly counts: ReadonlyMap<string, Readonly<KeyCounts>> }

/** What a worker asks of the key file. `call` comes back with the answer. */
export type KeyFileCall =
  | { readonly call: number; readonly claim: KeyClaim }
  | { readonly call: number; readonly owner: KeyOwner; readonly settlement: Settlement }

export type KeyFileAnswer =
  | { readonly call: number; readonly claimed: ClaimAnswer }
  | { readonly call: number; readonly settled: FirstResult | null }
  | { readonly call: number; readonly problem: string }
