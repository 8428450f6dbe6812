import type { IncomingMessage, ServerResponse } from 'node:http'
import findMyWay from 'find-my-way'
import type { AdminRoute } from './admin-route.ts'

const paramLengthMax = 500
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/**
 * Where a request goes:
 * route         there it is answered
 * other-method  the path has routes, but none for this method
 * unreadable    its path cannot be decoded, or a parameter in it is longer than 500 characters
 * nothing       no route has this path
 */
export type AdminMatch =
  | { readonly kind: 'route'; readonly route: AdminRoute; readonly params: unknown; readonly query: unknown }
  | { readonly kind: 'other-method'; readonly allowed: string }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'nothing' }

/** Finds routes by method and path. Upper case, trailing and double slashes make another path. */
export class AdminRouter {
  readonly #tree: findMyWay.Instance<findMyWay.HTTPVersion.V1>

  constructor(routes: readonly AdminRoute[]) {
    const unreadable = (why: string): AdminMatch => ({ kind: 'unreadable', why })
    this.#tree = findMyWay({
      maxParamLength: paramLengthMax,
      onBadUrl: (path) => unreadable(`'${path}' is not a valid url component`),
      onMaxParamLength: (path) => unreadable(`'${path}' is exceeding the max param length`),
      defaultRoute: (): AdminMatch => ({ kind: 'nothing' }),
    })
    const taken = new Map<string, (typeof methods)[number][]>()
    for (const route of routes) {
      const its = methodsOf(route)
      this.#tree.on(its, route.url, (_request, _response, params, _store, query): AdminMatch => {
        return { kind: 'route', route, params, query }
      })
      taken.set(route.url, [...(taken.get(route.url) ?? []), ...its])
    }
    for (const [url, its] of taken) {
      const others = methods.filter((method) => !its.includes(method))
      const match: AdminMatch = { kind: 'other-method', allowed: its.join(', ') }
      this.#tree.on(others, url, () => match)
    }
  }

  find(request: IncomingMessage, response: ServerResponse): AdminMatch {
    // It returns what the functions above return.
    return this.#tree.lookup(request, response) as AdminMatch
  }
}

const methodsOf = ({ method }: AdminRoute): (typeof methods)[number][] =>
  method === 'GET' ? ['GET', 'HEAD'] : [method]
