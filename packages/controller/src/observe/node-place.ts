import type { ProbeOutcome } from '@budao/resilience'
import type { Links } from '../links/links.ts'
import { mayServe } from './gateways.ts'
import { bestOf, type Place } from './place.ts'

/** The gateways of one site, over their links. */
export class NodePlace implements Place {
  readonly #links: Pick<Links, 'probe' | 'ask' | 'get'>
  readonly #nodes: readonly string[]

  constructor(links: Pick<Links, 'probe' | 'ask' | 'get'>, nodes: readonly string[]) {
    this.#links = links
    this.#nodes = nodes
  }

  probe(timeoutMs: number): Promise<ProbeOutcome> {
    return bestOf(this.#gateways.map((node) => this.#links.probe(node, timeoutMs)))
  }

  /** The plain heartbeat: whoever reads the connection answers. */
  async plain(timeoutMs: number): Promise<boolean> {
    const asked = this.#gateways.map(async (node): Promise<ProbeOutcome> => {
      const { kind } = await this.#links.ask(node, { kind: 'plain' }, timeoutMs)
      return kind === 'answer' ? 'answered' : 'failed'
    })
    return (await bestOf(asked)) === 'answered'
  }

  /** Where there are none that anybody knows of, whoever is there. */
  get #gateways(): readonly string[] {
    const gateways = this.#nodes.filter((node) => mayServe(this.#links, node))
    return gateways.length > 0 ? gateways : this.#nodes
  }
}
