import { BlockList, isIPv6, type Socket } from 'node:net'
import type { ProxyProtocolConfig } from '@budao/model'
import { readProxyHeader, type ProxiedPair } from './proxy-header.ts'

/** Reads PROXY headers off the front of a listener's connections. */
export class ProxyReader {
  readonly #trusted: BlockList | null
  readonly #timeoutMs: number

  constructor({ trust }: ProxyProtocolConfig, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#trusted = trust.length === 0 ? null : blockList(trust)
  }

  /** Whether connections of that peer begin with a header. Without a list all do. */
  expects(address: string): boolean {
    return this.#trusted === null || this.#trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }

  /** Calls `done` with who connected, null where the header names nobody, and what came behind it; or `failed`. */
  read(
    socket: Socket,
    done: (pair: ProxiedPair | null, rest: Buffer | null) => void,
    failed: (problem: string) => void,
  ): void {
    let received: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => end('no header within the time for it'), this.#timeoutMs)
    const onReadable = (): void => {
      for (let bytes = take(socket); bytes !== null; bytes = take(socket))
        received = received.length === 0 ? bytes : Buffer.concat([received, bytes])
      if (received.length === 0) return
      const result = readProxyHeader(received)
      if (result.kind === 'partial') return
      if (result.kind === 'bad') return end(result.problem)
      release()
      done(result.pair, result.length === received.length ? null : received.subarray(result.length))
    }
    const onEnd = (): void => end('it ended before its header')
    const release = (): void => {
      clearTimeout(timer)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onEnd)
    }
    const end = (problem: string): void => {
      release()
      socket.on('error', () => {})
      socket.destroy()
      failed(problem)
    }
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onEnd)
  }
}

function take(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}
