import type { DrillsConfig, GatewayReport, UnitReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import { servicesLost, siteEndpoints } from './admin-api.ts'
import type { JournalEntry } from './journal.ts'
import { check } from './readiness-check.ts'
import type { ReadinessCheck } from './readiness-check.ts'
import type { Scenario } from './scenario.ts'
import { unitChecks } from './unit-readiness.ts'
import { blockedBy } from './schedule/block-windows.ts'

/** What readiness is judged from. */
export interface ReadinessFacts {
  readonly scenario: Scenario
  readonly site: string
  readonly report: GatewayReport
  /** Of a drill that was not restored. */
  readonly left: { readonly entry: JournalEntry; readonly running: boolean } | null
  readonly drills: Pick<DrillsConfig, 'blockWindows' | 'timezone'>
  /** Wall clock, milliseconds since 1970. */
  readonly now: number
  /** Who may write; null: nothing moves units here. */
  readonly units: readonly UnitReport[] | null
  /** The objective of the service that is read; null: it has none. */
  readonly rpoMs: number | null
  /** Why the fault cannot be put in force, or what it will be done to. */
  readonly targets: { readonly ok: boolean; readonly text: string; readonly todo: string }
}

/** Everything that is looked at, in the order in which a person would put it right. Pure. */
export function readiness(facts: ReadinessFacts): readonly ReadinessCheck[] {
  const { report, site, scenario, targets } = facts
  const endpoints = siteEndpoints(report, site)
  const checks = [
    lastDrill(facts),
    window(facts),
    check('configuration-in-force', report.refused === null, {
      good: `snapshot ${report.snapshot.version}`,
      bad: `the changed configuration was refused: ${report.refused?.problems[0] ?? ''}`,
      todo: 'put the file right, so that the drill meets what will be in force',
    }),
    check('site-known', endpoints.length > 0, {
      good: `${site} has ${endpoints.length} endpoints`,
      bad: `the gateway has no endpoint at site ${site}`,
      todo: `name one of ${report.sites.map(({ name }) => name).join(', ')} with --site`,
    }),
    healthy(facts),
    check('nothing-drained', report.drains.length === 0, {
      good: 'nobody has taken anything out',
      bad: report.drains.map(({ site: at, endpoint }) => `${at ?? endpoint} is drained`).join(', '),
      todo: 'put it back with budao drain NAME --undo',
    }),
    ...(['controllers', 'leader', 'dns'].includes(scenario.hits) ? [] : [anotherPlace(facts)]),
    ...(facts.units === null ? [] : unitChecks(facts.units, scenario, site, facts.rpoMs)),
    check('targets-found', targets.ok, { good: targets.text, bad: targets.text, todo: targets.todo }),
  ]
  return checks
}

/** Throws CliError naming every check that keeps the drill from beginning. */
export function mustBeReady(checks: readonly ReadinessCheck[], forceReason: string | undefined): void {
  const bad = checks.filter(({ ready, forceable }) => !ready && !(forceable && forceReason !== undefined))
  if (bad.length === 0) return
  const lines = bad.map(({ name, found, todo, forceable }) => {
    const force = forceable ? ', or say why with --force --reason TEXT' : ''
    return `  ${name}: ${found}. To do: ${todo}${force}`
  })
  throw new CliError(`not ready, nothing was broken:\n${lines.join('\n')}`)
}

function lastDrill({ left }: ReadinessFacts): ReadinessCheck {
  return check('last-drill-restored', left === null, {
    good: 'no other drill',
    bad: left?.running
      ? `${left.entry.id} is running (process ${left.entry.by.pid})`
      : `${left?.entry.id} was broken off and not restored`,
    todo: left?.running ? 'wait until it has ended' : 'budao drill restore',
  })
}

function window({ drills, now }: ReadinessFacts): ReadinessCheck {
  const blocking = blockedBy(drills.blockWindows, drills.timezone, now)
  return check(
    'no-blocking-window',
    blocking === null,
    {
      good: drills.blockWindows.length === 0 ? 'none is configured' : 'none now',
      bad: `drills are blocked now${blocking?.reason === undefined ? '' : `: ${blocking.reason}`}`,
      todo: 'wait until drills.blockWindows allows it',
    },
    true,
  )
}

function healthy({ report }: ReadinessFacts): ReadinessCheck {
  const bad = report.services.flatMap(({ name, endpoints }) =>
    endpoints
      .filter(({ state }) => state !== 'usable' && state !== 'draining')
      .map(({ address, site, state }) => `${address} of ${name} at ${site} is ${state}`),
  )
  return check(
    'all-healthy',
    bad.length === 0,
    {
      good: 'every endpoint of every site is usable',
      bad: bad.slice(0, 5).join(', ') + (bad.length > 5 ? `, and ${bad.length - 5} more` : ''),
      todo: 'bring it back first: what a drill finds must be its own doing',
    },
    true,
  )
}

function anotherPlace({ report, site }: ReadinessFacts): ReadinessCheck {
  const lost = servicesLost(report, site)
  return check(
    'another-place',
    lost.length === 0,
    {
      good: 'every service has another usable site',
      bad: `${site} is the last usable site of ${lost.join(', ')}`,
      todo: 'bring another site up first',
    },
    true,
  )
}
