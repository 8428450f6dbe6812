import { HostChoice } from '../tls/host-choice.ts'

/** Which service takes the connections for which name. `*` takes those that no other name fits, without a name too. */
export class SniRoutes {
  readonly #choice: HostChoice<string>
  readonly #any: string | null

  constructor(sni: Readonly<Record<string, string>>) {
    this.#any = sni['*'] ?? null
    this.#choice = new HostChoice(Object.entries(sni).filter(([host]) => host !== '*'))
  }

  /** The name of the service; null when none takes it. */
  find(serverName: string): string | null {
    return (serverName === '' ? undefined : this.#choice.find(serverName)) ?? this.#any
  }
}
