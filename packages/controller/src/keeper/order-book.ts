import type { OrderAnswer, SiteOrder } from '@budao/model'

/** Orders remembered. One move of a unit has at most a handful. */
const ordersMax = 256

/**
 * Orders by their `stepId`: the same one again gets the answer that it got, or waits for the one that is being worked out.
 * What was refused is tried anew, for what was in its way may be gone.
 */
export class OrderBook {
  readonly #answers: Map<string, Promise<OrderAnswer>> = new Map()

  answer(order: SiteOrder, carryOut: () => Promise<OrderAnswer>): Promise<OrderAnswer> {
    const before = this.#answers.get(order.stepId)
    if (before !== undefined) return before
    const answered = this.#carriedOut(order, carryOut)
    this.#answers.set(order.stepId, answered)
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= ordersMax) break
      this.#answers.delete(oldest)
    }
    return answered
  }

  async #carriedOut({ stepId }: SiteOrder, carryOut: () => Promise<OrderAnswer>): Promise<OrderAnswer> {
    let answer: OrderAnswer
    try {
      answer = await carryOut()
    } catch (error) {
      answer = { stepId, ok: false, why: error instanceof Error ? error.message : String(error) }
    }
    if (!answer.ok) this.#answers.delete(stepId)
    return answer
  }
}
