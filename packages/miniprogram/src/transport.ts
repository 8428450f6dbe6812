import type { Failure } from './failure.ts'

/** What platforms can send. Others, PATCH among them, are refused before anything is sent. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'

/** One attempt, ready to go: nothing of it is looked at again. */
export interface TransportRequest {
  readonly method: Method
  /** Absolute. */
  readonly url: string
  /** Names as they go on the wire. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ArrayBuffer | undefined
  /** The platform gives up after this time. Milliseconds. */
  readonly timeoutMs: number
  readonly responseType: 'text' | 'arraybuffer'
  /** Options of the platform's own, handed over as they are. */
  readonly native: Readonly<Record<string, unknown>> | undefined
}

/** A complete answer, whatever its status. */
export interface TransportAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ArrayBuffer
  /** What the platform says beside it: `profile`, `cookies`, `exception`. */
  readonly native: unknown
}

/** How one attempt ended: exactly one of the two, once, and neither after `abort`. */
export interface TransportUser {
  onAnswer(answer: TransportAnswer): void
  onFailure(failure: Failure): void
}

/** Sends requests over one platform's network. */
export interface Transport {
  readonly name: string
  /** Begins one attempt; the function it returns breaks it off. */
  send(request: TransportRequest, user: TransportUser): () => void
}
