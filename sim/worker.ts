import { CircuitBreaker, EndpointSet, LocalCells, RetryBudget } from '@budao/resilience'
import type { BreakerOptions, BreakerTransition, Random } from '@budao/resilience'
import type { Incident } from './incident.ts'

export const workerCount = 2

/** The memory that all workers share, as a gateway's threads do. */
export class SharedState {
  readonly set: LocalCells
  readonly budget: LocalCells
  readonly breaker: LocalCells
  readonly doors: readonly LocalCells[]

  constructor({ endpoints }: Incident, options: BreakerOptions) {
    this.set = new LocalCells(EndpointSet.cellsFor(endpoints.length, workerCount))
    this.budget = new LocalCells(RetryBudget.cellsFor())
    this.breaker = new LocalCells(CircuitBreaker.cellsFor(options))
    this.doors = endpoints.map(() => new LocalCells(CircuitBreaker.cellsFor(options)))
  }
}

/** One thread's view of the service: objects of its own over the shared memory. */
export class Worker {
  readonly set: EndpointSet
  readonly budget: RetryBudget
  readonly breaker: CircuitBreaker
  readonly doors: readonly CircuitBreaker[]
  /** False once the thread has died: what it had planned does not happen any more. */
  alive = true

  constructor(
    index: number,
    incident: Incident,
    shared: SharedState,
    random: Random,
    options: BreakerOptions,
    onTransition: (name: string, transition: BreakerTransition) => void,
  ) {
    const { endpoints, mode, balance, failTimeoutMs } = incident
    this.budget = new RetryBudget(shared.budget)
    this.breaker = new CircuitBreaker(shared.breaker, options, (transition) =>
      onTransition('service', transition),
    )
    this.doors = endpoints.map(
      ({ id }, i) =>
        new CircuitBreaker(shared.doors[i]!, options, (transition) => onTransition(id, transition)),
    )
    this.set = new EndpointSet(shared.set, random, endpoints, {
      balance,
      mode,
      sites: [
        { name: 'east', weight: 1 },
        { name: 'west', weight: 1 },
      ],
      localSite: 'east',
      worker: index,
      workers: workerCount,
      outlier: { maxFails: 3, failTimeoutMs },
      isClosed: (i, now) => this.doors[i]!.retryAfterMs(now) > 0,
    })
  }
}
