import type { CertificateReport, Config, EventDraft } from '@budao/model'
import {
  certificateFacts,
  expiryVerdict,
  type CertificateFacts,
  type ExpiryVerdict,
} from './certificate-facts.ts'
import { acmeFile } from '../acme/acme-files.ts'
import { nodeCrypto, nodeTls } from './builtins.ts'
import type { CertificateText, ListenerTls, ServiceTls, TlsMaterial } from './tls-material.ts'
import { WatchedFiles } from './watched-files.ts'

/** How often files are looked at, milliseconds: a renewed certificate is in use this much later at most. */
export const CERTIFICATE_POLL_MS = 5_000

export interface CertificateStoreOptions {
  /** Relative paths start here. */
  readonly baseDir: string
  /** Of the session tickets of this process. */
  readonly ticketSecret: string
  readonly pollMs: number
  /** Where certificates of ACME directories are kept. */
  readonly acmeFolder?: string | undefined
  wallNow(): number
  report(event: EventDraft): void
  /** Files have changed while the configuration stayed: all threads are to take this from now on. */
  onChange(material: TlsMaterial): void
}

interface Shown extends CertificateText {
  readonly facts: CertificateFacts
}

interface ListenerFiles {
  readonly certificates: WatchedFiles<Shown>[]
  /** Of a certificate that is still to be issued: there it is, or null. */
  awaited: (() => WatchedFiles<Shown> | null) | null
  readonly clientCa: WatchedFiles<string> | null
}

type ServiceFiles = WatchedFiles<ServiceTls>

/** The TLS files of a configuration, read and watched by the main thread for all others. */
export class CertificateStore {
  readonly #options: CertificateStoreOptions
  #listeners: ReadonlyMap<string, ListenerFiles> = new Map()
  #services: ReadonlyMap<string, ServiceFiles> = new Map()
  #timer: NodeJS.Timeout | undefined
  /** What was last said of a certificate's expiry, by listener and file. */
  readonly #verdicts: Map<string, ExpiryVerdict> = new Map()

  constructor(options: CertificateStoreOptions) {
    this.#options = options
  }

  /** Reads what `config` names; `watch` then makes it the store's own. Throws with the file that cannot be used. */
  read(config: Pick<Config, 'listeners' | 'services'>): { material: TlsMaterial; watch: () => void } {
    const listeners = new Map<string, ListenerFiles>()
    for (const { name, tls } of config.listeners) {
      if (tls === undefined) continue
      const { minVersion, ciphers, clientAuth, acme } = tls
      // A file of an ACME certificate has its key too: both are replaced at once.
      const watched = (names: readonly string[], hosts?: readonly string[]): WatchedFiles<Shown> =>
        this.#files(names, ([certText, keyText = certText]) => {
          const text = { cert: certText!, key: keyText! }
          const facts = certificateFacts(text.cert, text.key)
          nodeTls().createSecureContext({
            ...text,
            minVersion,
            ...(ciphers === undefined ? {} : { ciphers }),
          })
          return { ...text, hosts: hosts ?? facts.hosts, facts }
        })
      const certificates = tls.certificates.map(({ cert, key, hosts }) => watched([cert, key], hosts))
      let awaited: ListenerFiles['awaited'] = null
      if (acme !== undefined) {
        const { acmeFolder } = this.#options
        if (acmeFolder === undefined) throw new Error(`listener ${name}: there is no folder for certificates`)
        if (acme.caFile !== undefined) void this.#files([acme.caFile], ([ca]) => checkedCa(ca!))
        const kept = (): WatchedFiles<Shown> | null => usable(() => watched([acmeFile(acmeFolder, name)]))
        const found = kept()
        if (found === null) awaited = kept
        else certificates.push(found)
      }
      const clientCa =
        clientAuth === undefined ? null : this.#files([clientAuth.ca], ([ca]) => checkedCa(ca!))
      listeners.set(name, { certificates, awaited, clientCa })
    }
    const services = new Map<string, ServiceFiles>()
    for (const [name, { tls }] of Object.entries(config.services)) {
      if (tls === undefined) continue
      const parts = (['ca', 'cert', 'key'] as const).filter((part) => tls[part] !== undefined)
      const parse = (texts: readonly string[]): ServiceTls => {
        const text: ServiceTls = Object.fromEntries(parts.map((part, index) => [part, texts[index]]))
        if (text.ca !== undefined) checkedCa(text.ca)
        if (text.cert !== undefined && text.key !== undefined) certificateFacts(text.cert, text.key)
        nodeTls().createSecureContext({ ...text, minVersion: tls.minVersion })
        return text
      }
      services.set(
        name,
        this.#files(
          parts.map((part) => tls[part]!),
          parse,
        ),
      )
    }
    return {
      material: material(listeners, services, this.#options.ticketSecret),
      watch: () => this.#watch(listeners, services),
    }
  }

  report(): CertificateReport[] {
    const now = this.#options.wallNow()
    return [...this.#shown()].map(({ listener, source, hosts, facts }) => ({
      listener,
      source,
      hosts,
      issuer: facts.issuer,
      expiresAt: new Date(facts.expiresAt).toISOString(),
      expiresInSeconds: Math.floor((facts.expiresAt - now) / 1_000),
    }))
  }

  /** Of the first certificate that a listener shows; null when it has none yet. */
  factsOf(listener: string): CertificateFacts | null {
    return this.#listeners.get(listener)?.certificates[0]?.value.facts ?? null
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #files<T>(names: readonly string[], parse: (texts: readonly string[]) => T): WatchedFiles<T> {
    return new WatchedFiles(names, this.#options.baseDir, parse)
  }

  #watch(listeners: ReadonlyMap<string, ListenerFiles>, services: ReadonlyMap<string, ServiceFiles>): void {
    this.#listeners = listeners
    this.#services = services
    clearInterval(this.#timer)
    if (listeners.size + services.size === 0) return
    this.#timer = setInterval(() => this.look(), this.#options.pollMs)
    this.#judge()
  }

  /** Looks whether files have changed. */
  look(): void {
    let changed = false
    for (const [name, listener] of this.#listeners) {
      const { certificates, clientCa } = listener
      const issued = listener.awaited?.() ?? null
      if (issued !== null) {
        certificates.push(issued)
        listener.awaited = null
        changed = true
      }
      for (const files of [...certificates, ...(clientCa === null ? [] : [clientCa])])
        changed = this.#look(files, `listener ${name}`) || changed
    }
    for (const [name, files] of this.#services) changed = this.#look(files, `service ${name}`) || changed
    if (changed) this.#options.onChange(material(this.#listeners, this.#services, this.#options.ticketSecret))
    this.#judge()
  }

  #look(files: WatchedFiles<unknown>, user: string): boolean {
    const result = files.poll()
    if (result === 'same' || result === 'unsettled') return false
    const changed = result === 'changed'
    const subject = files.names[0]!
    this.#options.report({
      kind: changed ? 'certificate.renewed' : 'certificate.refused',
      severity: changed ? 'info' : 'critical',
      subject,
      message: changed
        ? `The changed file ${subject} is used from now on; connections that are open stay.`
        : `The changed file ${subject} cannot be used; what it held before stays in use.`,
      evidence: { files: files.names.join(', '), user, problem: changed ? '' : result.message },
    })
    return changed
  }

  /** Says so when a certificate nears its end, or has met it: once for each. */
  #judge(): void {
    const now = this.#options.wallNow()
    for (const { listener, source, hosts, facts } of this.#shown()) {
      const verdict = expiryVerdict(facts, now)
      const name = `${listener} ${source}`
      const before = this.#verdicts.get(name) ?? 'ok'
      this.#verdicts.set(name, verdict)
      if (verdict === before || verdict === 'ok') continue
      const days = Math.floor((facts.expiresAt - now) / 86_400_000)
      this.#options.report({
        kind: verdict === 'expired' ? 'certificate.expired' : 'certificate.expiring',
        severity: verdict === 'expired' ? 'critical' : 'warning',
        subject: source,
        message:
          verdict === 'expired'
            ? `The certificate ${source} of listener ${listener} has expired: clients refuse it.`
            : `The certificate ${source} of listener ${listener} expires in ${days} days.`,
        evidence: {
          listener,
          hosts: hosts.join(', '),
          issuer: facts.issuer,
          expiresAt: new Date(facts.expiresAt).toISOString(),
        },
      })
    }
  }

  *#shown(): Generator<{
    listener: string
    source: string
    hosts: readonly string[]
    facts: CertificateFacts
  }> {
    for (const [listener, { certificates }] of this.#listeners) {
      for (const { names, value } of certificates)
        yield { listener, source: names[0]!, hosts: value.hosts, facts: value.facts }
    }
  }
}

function material(
  listeners: ReadonlyMap<string, ListenerFiles>,
  services: ReadonlyMap<string, ServiceFiles>,
  ticketSecret: string,
): TlsMaterial {
  const listenerTls = ({ certificates, clientCa }: ListenerFiles): ListenerTls => ({
    certificates: certificates.map(({ value: { cert, key, hosts } }) => ({ cert, key, hosts })),
    ...(clientCa === null ? {} : { clientCa: clientCa.value }),
  })
  return {
    listeners: Object.fromEntries([...listeners].map(([name, files]) => [name, listenerTls(files)])),
    services: Object.fromEntries([...services].map(([name, { value }]) => [name, value])),
    ticketSecret,
  }
}

function usable<T>(make: () => T): T | null {
  try {
    return make()
  } catch {
    return null
  }
}

/** OpenSSL passes over what it cannot read, and would then trust nobody. */
function checkedCa(ca: string): string {
  const { X509Certificate } = nodeCrypto()
  const blocks = ca.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)
  if (blocks === null) throw new Error('there is no certificate in it')
  for (const block of blocks) void new X509Certificate(block).subject
  return ca
}
