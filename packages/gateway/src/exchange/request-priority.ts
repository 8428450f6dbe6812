import { priorityNames, type PriorityName, type RouteConfig } from '@budao/model'

/** The class that a route gives its requests: one for all, or what a header says, never better than the route allows. */
export class RequestPriority {
  readonly #fixed: number
  readonly #header: string | null
  readonly #best: number

  constructor(config: RouteConfig['priority']) {
    const isFixed = typeof config === 'string'
    this.#fixed = priorityNames.indexOf(isFixed ? config : config.default)
    this.#header = isFixed ? null : config.header.toLowerCase()
    this.#best = priorityNames.indexOf(isFixed ? config : config.max)
  }

  /** As an index of `priorityNames`. */
  of(request: { header(name: string): string | undefined }): number {
    if (this.#header === null) return this.#fixed
    const said = request.header(this.#header)
    const rank = said === undefined ? -1 : priorityNames.indexOf(said.toLowerCase() as PriorityName)
    return rank === -1 ? this.#fixed : Math.max(rank, this.#best)
  }
}

/** Whether classes make a difference: some route gives its requests another one than the usual. */
export function isPrioritized(routes: readonly RouteConfig[]): boolean {
  return routes.some(({ priority }) => priority !== 'normal')
}
