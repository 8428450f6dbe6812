import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import { checkSans, type UpstreamTlsConfig } from '@budao/model'

/** Files are read again when somebody connects and they are older here, milliseconds: they are renewed. */
const freshMs = 10_000

interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** How a service’s endpoints are spoken to over TLS, as `services.<name>.tls` says and gateways do. */
export class EndpointTls {
  readonly #config: UpstreamTlsConfig
  readonly #baseDir: string
  readonly #now: () => number
  readonly #settings: Map<string, ConnectionOptions> = new Map()
  #files: TlsFiles
  #readAt: number

  /** Throws where a file cannot be read. */
  constructor(config: UpstreamTlsConfig, baseDir: string, now: () => number) {
    this.#config = config
    this.#baseDir = baseDir
    this.#now = now
    this.#files = this.#read()
    this.#readAt = now()
  }

  /** For a connection to an endpoint at that host: the same object until a file has changed. */
  settings(host: string): ConnectionOptions {
    this.#renew()
    let settings = this.#settings.get(host)
    if (settings === undefined) this.#settings.set(host, (settings = this.#settingsFor(host)))
    return settings
  }

  #settingsFor(host: string): ConnectionOptions {
    const { sans, serverName = host, verify, minVersion } = this.#config
    return {
      ...this.#files,
      minVersion,
      rejectUnauthorized: verify,
      // RFC 6066 §3: an address is no name. An empty one keeps Node from taking the host.
      servername: isIP(serverName) === 0 ? serverName : '',
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (_, certificate) =>
        sans === undefined
          ? checkServerIdentity(serverName, certificate)
          : checkSans(sans, certificate, checkServerIdentity),
    }
  }

  #renew(): void {
    const now = this.#now()
    if (now - this.#readAt < freshMs) return
    this.#readAt = now
    try {
      const files = this.#read()
      if (JSON.stringify(files) === JSON.stringify(this.#files)) return
      this.#files = files
      this.#settings.clear()
    } catch {
      // In the middle of being renewed, or gone: those of before are as good as they were.
    }
  }

  #read(): TlsFiles {
    const { ca, cert, key } = this.#config
    const read = (path: string): string => readFileSync(resolve(this.#baseDir, path), 'utf8')
    return {
      ...(ca === undefined ? {} : { ca: read(ca) }),
      ...(cert === undefined ? {} : { cert: read(cert) }),
      ...(key === undefined ? {} : { key: read(key) }),
    }
  }
}
