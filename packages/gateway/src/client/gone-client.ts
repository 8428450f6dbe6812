import type { ListenerConfig } from '@budao/model'
import type { RequestHead } from '../http/request-head.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import type { Client, ClientResponse, HttpVersion } from './client.ts'

const unheard: ClientResponse = {
  bytes: 0,
  keepAlive: false,
  begin: () => {},
  write: () => true,
  send: () => {},
}

/** Stands for a client that has gone while what it asked for is finished: says what that one said, and hears nothing. */
export class GoneClient implements Client {
  readonly head: RequestHead
  readonly listener: ListenerConfig
  readonly remoteAddress: string
  readonly scheme: 'http' | 'https'
  readonly httpVersion: HttpVersion
  readonly response: ClientResponse = unheard
  readonly tunnelEnd: null = null
  readonly #plane: DataPlane

  constructor({ head, listener, remoteAddress, scheme, httpVersion }: Client, plane: DataPlane) {
    this.head = head
    this.listener = listener
    this.remoteAddress = remoteAddress
    this.scheme = scheme
    this.httpVersion = httpVersion
    this.#plane = plane
    plane.onAlone(1)
  }

  pause(): void {}

  resume(): void {}

  sendContinue(): void {}

  onExchangeEnd(): void {
    this.#plane.onAlone(-1)
  }

  join(): void {}

  cutOff(): void {}
}
