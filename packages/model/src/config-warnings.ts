import type { ConfigDocument, Finding } from './config-document.ts'
import { gslbWarnings } from './config-checks-gslb.ts'
import type { MatchConfig } from './config-route.ts'
import type { Config, ServiceConfig } from './config.ts'
import { controlWarnings } from './config-warnings-control.ts'
import { detectionFindings } from './config-warnings-failover.ts'
import type { Problem } from './problem.ts'
import { virtualIpWarnings } from './providers/virtual-ip-warnings.ts'

/** What is accepted but will not do what one may think. */
export function configWarnings(config: Config, document: ConfigDocument): Problem[] {
  return [
    ...serviceWarnings(config).map((finding) => document.place(finding, 'key')),
    ...[
      ...unreachableRoutes(config),
      ...longTrials(config),
      ...unverified(config),
      ...faults(config),
      ...halfRefusing(config),
      ...virtualIpWarnings(config),
      ...gslbWarnings(config),
      ...controlWarnings(config),
      ...serving(config),
    ].map((finding) => document.place(finding)),
  ]
}

function serviceWarnings(config: Config): Finding[] {
  return Object.entries(config.services).flatMap(([name, service]) => [
    ...idle(config, service).map(({ key, needs }) => ({
      path: ['services', name, key],
      message: `read and checked, and acted on by nobody without ${needs}`,
    })),
    ...detectionFindings(service).map(({ key, message, hint }) => ({
      path: ['services', name, key],
      message,
      ...(hint === undefined ? {} : { hint }),
    })),
  ])
}

/** Keys of a service that nobody acts on as things are, and what is missing for it. */
function idle(
  { control }: Config,
  service: ServiceConfig,
): { readonly key: 'failover' | 'detection' | 'objectives'; readonly needs: string }[] {
  const given = (['failover', 'detection', 'objectives'] as const).filter((key) => service[key] !== undefined)
  if (control === undefined) return given.map((key) => ({ key, needs: '`control`' }))
  // With `detection` alone its sites are watched, and nothing is moved.
  if (service.failover !== undefined) return []
  return given.filter((key) => key === 'objectives').map((key) => ({ key, needs: '`failover`' }))
}

function unverified(config: Config): Finding[] {
  return Object.entries(config.services)
    .filter(([, { tls }]) => tls?.verify === false)
    .map(([name]) => ({
      path: ['services', name, 'tls', 'verify'],
      message:
        'certificates of endpoints are not verified: whoever is in between can read and change everything',
    }))
}

function longTrials(config: Config): Finding[] {
  return config.routes.flatMap(({ timeout = 0, backends }, index) => {
    const short = backends.find(({ service }) => {
      const breaker = config.services[service]?.breaker
      return breaker !== undefined && breaker !== false && breaker.trialLease < timeout
    })
    if (short === undefined) return []
    const lease = `services.${short.service}.breaker.trialLease`
    return [
      {
        path: ['routes', index, 'timeout'],
        message: `longer than ${lease}: a trial may end too late to decide`,
      },
    ]
  })
}

function faults({ routes }: Config): Finding[] {
  return routes.flatMap(({ filters }, route) =>
    filters.flatMap((filter, index) =>
      'fault' in filter
        ? [
            {
              path: ['routes', route, 'filters', index, 'fault'],
              message: 'requests are made to wait or fail on purpose',
            },
          ]
        : [],
    ),
  )
}

function serving({ routes }: Config): Finding[] {
  return routes.flatMap(({ serve }, index) => {
    if (serve === undefined || !('channels' in serve)) return []
    const { order = [] } = serve.channels
    const path = ['routes', index, 'serve', 'channels', 'order']
    const plain = order.findIndex((origin) => /^http:\/\/(?!127\.|localhost)/.test(origin))
    return [
      ...(order.length === 1 ? [{ path, message: 'one channel alone: nowhere to go when it is down' }] : []),
      ...(plain === -1 ? [] : [{ path: [...path, plain], message: 'not https: mini programs refuse it' }]),
    ]
  })
}

/** Writes that must not be done twice, but are while their keys cannot be kept. */
function halfRefusing({ routes }: Config): Finding[] {
  return routes.flatMap(({ filters }, route) =>
    filters.flatMap((filter, index) => {
      if (!('idempotency' in filter)) return []
      const { onUncertain, onStoreAway } = filter.idempotency
      if (onUncertain !== 'refuse' || onStoreAway === 'refuse') return []
      return [
        {
          path: ['routes', route, 'filters', index, 'idempotency', 'onUncertain'],
          message: 'while keys cannot be kept a write may be done twice all the same',
          hint: 'onStoreAway: refuse goes with it',
        },
      ]
    }),
  )
}

function unreachableRoutes(config: Config): Finding[] {
  const catchAll = config.routes.findIndex(
    (route) =>
      route.listeners === undefined && route.hosts.includes('*') && route.match.some(matchesEverything),
  )
  if (catchAll === -1) return []
  return config.routes.slice(catchAll + 1).map((_, index) => ({
    path: ['routes', catchAll + 1 + index],
    message: 'never reached',
    hint: `route \`${config.routes[catchAll]!.name}\` before it takes every request`,
  }))
}

function matchesEverything(match: MatchConfig): boolean {
  const anyPath = match.path === undefined || ('prefix' in match.path && match.path.prefix === '/')
  const conditions = [match.headers, match.query, match.cookies].flatMap(Object.keys)
  return anyPath && match.method === undefined && conditions.length === 0
}
