import type { Config } from '@budao/model'
import { CliError } from '../../cli-error.ts'

const users = 1_000

/** The route of a rollout, and how a request says whose it is there. */
export interface ReleaseRoute {
  /** Path that the route takes. */
  readonly path: string
  readonly host: string
  /** The headers of a user; null: requests name nobody, and are drawn. */
  userLine(user: number): string | null
}

/** Throws CliError where the rollout is not configured. */
export function releaseRoute({ rollouts, routes }: Config, rollout: string, path?: string): ReleaseRoute {
  const wanted = rollouts[rollout]
  const route = routes.find(({ name }) => name === wanted?.route)
  if (route?.split === undefined) {
    const known = Object.keys(rollouts).join(', ')
    throw new CliError(`--rollout: expected one of ${known === '' ? 'none' : known}, got ${rollout}`, 2)
  }
  const by = route.split.by.find((each) => each.startsWith('header:') || each.startsWith('cookie:'))
  const host = route.hosts.find((each) => !each.startsWith('*')) ?? 'drill.example'
  return {
    path: path ?? pathOf(route.match),
    host,
    userLine(user) {
      const [kind, name] = by?.split(':') ?? []
      if (name === undefined) return null
      return kind === 'header' ? `${name}: drill-${user}` : `Cookie: ${name}=drill-${user}`
    },
  }
}

/** Requests of a thousand users by turns. */
export function userRequests({ path, host, userLine }: ReleaseRoute): () => string {
  let turn = 0
  return () => {
    const line = userLine(turn++ % users)
    return (
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: budao-drill\r\nAccept: */*\r\n` +
      `${line === null ? '' : `${line}\r\n`}\r\n`
    )
  }
}

function pathOf(match: Config['routes'][number]['match']): string {
  for (const { path } of match) {
    if (path === undefined) continue
    if ('exact' in path) return path.exact
    if ('prefix' in path) return path.prefix
  }
  return '/'
}
