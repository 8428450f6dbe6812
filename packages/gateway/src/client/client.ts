import type { ListenerConfig } from '@budao/model'
import type { RequestHead } from '../http/request-head.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { UpgradeTunnel, TunnelEnd } from '../exchange/upgrade-tunnel.ts'

/** As access logs and traces say it. */
export type HttpVersion = '1.0' | '1.1' | '2'

/**
 * Who asks and gets the answer: a connection of HTTP/1.1, or one stream of HTTP/2. All that an exchange knows of the
 * other side of the request.
 */
export interface Client {
  /** The request's head, read strictly; refilled for each request. */
  readonly head: RequestHead
  readonly listener: ListenerConfig
  readonly remoteAddress: string
  readonly scheme: 'http' | 'https'
  readonly httpVersion: HttpVersion
  readonly response: ClientResponse
  /** The exchange wants no more of the request's body for now. */
  pause(): void
  resume(): void
  /** Tells a client that waits for `100 Continue` to send its body. */
  sendContinue(): void
  /** The exchange has ended and its answer is written. `keepAlive`: nothing of the request is left to come. */
  onExchangeEnd(keepAlive: boolean): void
  /** As one end of a tunnel; null where that cannot be. */
  readonly tunnelEnd: TunnelEnd | null
  /**
   * Tells the client that its upgrade has been granted, with these header lines of the endpoint, and leaves its bytes to
   * the tunnel, those that have come already first.
   */
  join(tunnel: UpgradeTunnel, protocol: string, lines: string): void
  /** Ends an answer that broke off so that it cannot look complete. The exchange ends itself. */
  cutOff(): void
}

/** Where one answer goes, either as it comes from an endpoint or complete from memory. */
export interface ClientResponse {
  /** Bytes of the body that were written. */
  bytes: number
  /** Whether the client may use its connection again behind this answer. */
  readonly keepAlive: boolean
  /** Takes the head of an endpoint's answer, to be sent with the first bytes of its body. `extra` are header lines to add. */
  begin(head: ResponseHead, keepAlive: boolean, extra: string): void
  /** Passes on a part of the body, as `onUpstreamBody` gave it. False when the client takes no more for now. */
  write(text: string | undefined, bytes: Uint8Array, start: number, end: number, last: boolean): boolean
  /** Sends a complete answer; its body is left out where there can be none. */
  send(answer: Answer, keepAlive: boolean, extra: string): void
}

/** A complete answer in memory, in latin1: one character a byte. */
export interface Answer {
  readonly status: number
  /** Of the status line; HTTP/2 has none. */
  readonly reason: string
  /** Header lines, each with its line end, without those that frame a message or concern the connection. */
  readonly lines: string
  readonly body: string
}
