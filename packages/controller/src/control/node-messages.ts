import type { OrderAnswer, Placement, SiteOrder } from '@budao/model'
import type { SiteAgent } from '../agent/site-agent.ts'
import type { Keeper } from '../keeper/keeper.ts'
import type { Answer, Hello, Question } from '../links/frames.ts'
import type { Links } from '../links/links.ts'
import type { Desk } from './desk.ts'

/** Another node, as far as messages to it go. */
export interface Recipient {
  readonly node: string
  readonly site: string | null
}

/** What a controller says to the nodes of a site, and to all of them: its own among them. */
export class NodeMessages {
  readonly #links: Links
  readonly #keeper: Keeper | null
  readonly #agent: SiteAgent | null
  readonly #ownSite: string | null
  readonly #peers: readonly Recipient[]

  constructor(
    links: Links,
    keeper: Keeper | null,
    agent: SiteAgent | null,
    ownSite: string | null,
    peers: readonly Recipient[],
  ) {
    this.#links = links
    this.#keeper = keeper
    this.#agent = agent
    this.#ownSite = ownSite
    this.#peers = peers
  }

  /** To every node of the site. The first that did it counts; who refuses says why. */
  async order(order: SiteOrder, timeoutMs: number): Promise<OrderAnswer> {
    const { stepId, site } = order
    const asked = this.#peers
      .filter((peer) => peer.site === site)
      .map(async ({ node }): Promise<OrderAnswer> => {
        const answered = await this.#links.ask(node, { kind: 'order', order }, timeoutMs)
        if (answered.kind === 'answer' && answered.answer !== null && answered.answer.stepId === stepId)
          return answered.answer
        return {
          stepId,
          ok: false,
          why: `${node}: ${answered.kind === 'timeout' ? 'no answer in time' : 'no link'}`,
        }
      })
    if (site === this.#ownSite) asked.push(...this.#askedHere(order))
    if (asked.length === 0) return { stepId, ok: false, why: `no node stands at ${site}` }
    return firstThatDid(stepId, asked)
  }

  /** What another node asks; undefined where it may not. `desk`: null where nothing is decided here. */
  async answer(from: Hello, question: Question, desk: Desk | null): Promise<Answer | undefined> {
    switch (question.kind) {
      case 'plain':
        return null
      case 'place':
        if (!from.roles.includes('controller')) return undefined
        this.#keeper?.place(question.placement)
        return null
      case 'order':
        if (!from.roles.includes('controller')) return undefined
        return this.orderHere(question.order)
      case 'leave': {
        if (desk === null || from.site === null) return undefined
        const left = await desk.leave({ unit: question.unit, node: from.node, site: from.site })
        return { stepId: 'leave', ok: left.ok, why: left.ok ? '' : left.why.message }
      }
    }
  }

  /** To those in this process that may have to do with it. */
  async orderHere(order: SiteOrder): Promise<OrderAnswer> {
    const asked = this.#askedHere(order)
    const { stepId } = order
    if (asked.length === 0)
      return { stepId, ok: false, why: 'nobody here holds leases or looks after who does' }
    return firstThatDid(stepId, asked)
  }

  #askedHere(order: SiteOrder): Promise<OrderAnswer>[] {
    return [this.#keeper, this.#agent].flatMap((each) => each?.order(order) ?? [])
  }

  /** To every node there is a link with; resolves when all have taken it up, or the time is over. */
  async publish(placement: Placement, timeoutMs: number): Promise<void> {
    this.#keeper?.place(placement)
    const asked = [...this.#links.connected()].map((link) =>
      link.ask({ kind: 'place', placement }, timeoutMs),
    )
    await Promise.all(asked)
  }
}

async function firstThatDid(stepId: string, asked: readonly Promise<OrderAnswer>[]): Promise<OrderAnswer> {
  const { promise, resolve } = Promise.withResolvers<OrderAnswer>()
  const why: string[] = []
  for (const each of asked) {
    void each.then((answer) => {
      if (answer.ok) return resolve(answer)
      why.push(answer.why)
      if (why.length === asked.length) resolve({ stepId, ok: false, why: why.join('; ') })
    })
  }
  return promise
}
