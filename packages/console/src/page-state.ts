import type { BudaoEvent, GatewayReport } from '@budao/model'
import type { AlertsState } from './alert-state.ts'
import type { FailoverState } from './failover-state.ts'
import { addSample } from './traffic.ts'
import type { Sample } from './traffic.ts'

/** All the page knows. Views show it, and know nothing else. */
export interface PageState {
  readonly report: GatewayReport | null
  /** When the report arrived, by the reader's clock. */
  readonly reportAt: Date | null
  /** Ascending, the newest 200. */
  readonly events: readonly BudaoEvent[]
  readonly samples: readonly Sample[]
  /** Null where the process decides nothing about it. */
  readonly failover: FailoverState | null
  /** Null where the process judges no rules. */
  readonly alerts: AlertsState | null
  /** Failed questions in a row. */
  readonly failures: number
  readonly unreachable: { readonly since: Date; readonly reason: string } | null
}

export interface EventsAnswer {
  readonly lastSeq: number
  readonly events: readonly BudaoEvent[]
}

const eventsMax = 200

export const initialState: PageState = {
  report: null,
  reportAt: null,
  events: [],
  samples: [],
  failover: null,
  alerts: null,
  failures: 0,
  unreachable: null,
}

/** How to ask for the events this page has not got yet. */
export function eventsPath(state: PageState): string {
  const last = state.events.at(-1)
  return last === undefined
    ? `/api/v1/events?limit=${eventsMax}`
    : `/api/v1/events?after=${last.seq}&limit=${eventsMax}`
}

/** `at` is the reader's clock, `elapsed` monotonic milliseconds. */
export function answered(
  state: PageState,
  report: GatewayReport,
  { lastSeq, events }: EventsAnswer,
  at: Date,
  elapsed: number,
  failover: FailoverState | null = null,
  alerts: AlertsState | null = null,
): PageState {
  // Numbering that went back is a gateway that started anew: what we hold is not its past.
  const renumbered = lastSeq < (state.events.at(-1)?.seq ?? 0)
  return {
    report,
    reportAt: at,
    events: renumbered ? [] : [...state.events, ...events].slice(-eventsMax),
    // Rates over a gap would be averages nobody asked for.
    samples: addSample(state.unreachable === null ? state.samples : [], {
      at: elapsed,
      routes: report.routes,
    }),
    failover,
    alerts,
    failures: 0,
    unreachable: null,
  }
}

export function unanswered(state: PageState, reason: string, at: Date): PageState {
  return {
    ...state,
    failures: state.failures + 1,
    unreachable: { since: state.unreachable?.since ?? at, reason },
  }
}

/** True when opening this breaker leaves its service nowhere to go. */
export function isLastUsable(
  report: GatewayReport | null,
  service: string,
  endpoint: string | undefined,
): boolean {
  if (endpoint === undefined) return true
  const endpoints = report?.services.find(({ name }) => name === service)?.endpoints ?? []
  return !endpoints.some(({ address, state }) => address !== endpoint && state === 'usable')
}
