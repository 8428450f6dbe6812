import type { TimeSource } from './virtual-time.ts'
import type { WxFailureKind } from './wx-failures.ts'

/** One request as it leaves the phone. */
export interface WxSent {
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, string>>
  readonly data: string | Uint8Array | undefined
}

/** What comes back, whatever the status. */
export interface WxReceived {
  readonly status: number
  readonly header: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** What the native side notes beside it. Times are moments, milliseconds. */
export interface WxNotes {
  readonly domainLookUpStart?: number
  readonly domainLookUpEnd?: number
  readonly connectStart?: number
  readonly connectEnd?: number
  readonly SSLconnectionStart?: number
  readonly SSLconnectionEnd?: number
  readonly requestStart?: number
  readonly responseStart?: number
  readonly socketReused?: boolean
  readonly protocol?: string
  readonly peerIP?: string
  /** Sent again by the native side. */
  readonly retryCount?: number
}

/** Exactly one of the last two is called, once, and neither after the request was broken off. */
export interface WxCarrierUser {
  onHeaders(header: Readonly<Record<string, string>>, status: number): void
  onAnswer(answer: WxReceived, notes?: WxNotes): void
  onFailure(kind: WxFailureKind, notes?: WxNotes): void
}

/** Carries what `wx.request` sends: over a simulated network, or a real one. */
export interface WxCarrier {
  /** Begins; the function it returns breaks off. */
  carry(request: WxSent, user: WxCarrierUser): () => void
}

/** What becomes of one request, decided when it is sent. */
export type WxFate =
  | {
      readonly afterMs: number
      readonly status: number
      readonly body: string
      readonly header?: Readonly<Record<string, string>>
    }
  | { readonly afterMs: number; readonly fails: WxFailureKind }
  /** Nothing ever comes back. */
  | { readonly fails: 'silence' }

/** Servers and network as one function: may count, remember, answer by what it was sent. */
export type WxNetwork = (request: WxSent) => WxFate

/** The simplest carrier: a function decides. */
export function fatedCarrier(time: TimeSource, network: WxNetwork): WxCarrier {
  return {
    carry(request, { onAnswer, onFailure, onHeaders }) {
      const fate = network(request)
      if (!('afterMs' in fate)) return () => {}
      return time.after(fate.afterMs, () => {
        if ('fails' in fate) return onFailure(fate.fails)
        const header = { 'Content-Type': 'application/json', ...fate.header }
        onHeaders(header, fate.status)
        onAnswer({ status: fate.status, header, body: fate.body })
      })
    },
  }
}
