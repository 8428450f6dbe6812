import type { BreakerStateName, EndpointReport, GatewayReport, SiteReport, WorkerReport } from '@budao/model'
import type { BudaoEvent } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import type { Words } from './words.ts'

/** How good or bad: decides colour and sign together, so that neither is ever alone. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain'

type State =
  | SiteReport['state']
  | EndpointReport['state']
  | BreakerStateName
  | WorkerReport['state']
  | GatewayReport['state']
  | BudaoEvent['severity']

const tones: { readonly [state in State]: Tone } = {
  up: 'good',
  degraded: 'warn',
  down: 'bad',
  drained: 'warn',
  usable: 'good',
  unhealthy: 'bad',
  ejected: 'bad',
  open: 'bad',
  closed: 'good',
  'half-open': 'warn',
  'forced-open': 'bad',
  'forced-closed': 'warn',
  starting: 'warn',
  serving: 'good',
  draining: 'warn',
  crashed: 'bad',
  info: 'plain',
  warning: 'warn',
  critical: 'bad',
}

const signs: { readonly [tone in Tone]: string } = { good: '✓', warn: '▲', bad: '✕', plain: '•' }

export function toneOf(state: State): Tone {
  // A newer gateway may know states this page does not: they are shown, without a judgement.
  return tones[state] ?? 'plain'
}

export function signOf(tone: Tone): string {
  return signs[tone]
}

/** A state as sign, word and colour. */
export function pill(state: State, words: Words): Element {
  const tone = toneOf(state)
  return el(
    'span',
    { class: `pill ${tone}`, 'data-state': state },
    el('span', { 'aria-hidden': 'true', class: 'sign' }, signs[tone]),
    words.states[state] ?? state,
  )
}

/** Why an endpoint gets no traffic, in a few words; empty when it gets some. */
export function whyOut(endpoint: EndpointReport, words: Words): string {
  switch (endpoint.state) {
    case 'usable':
      return ''
    case 'unhealthy':
      return endpoint.lastCheckError === '' ? words.checksFail : endpoint.lastCheckError
    case 'ejected':
      return words.ejectedFor(Math.ceil(endpoint.ejectedForMs / 1_000))
    case 'open':
      return words.breakerCounts(endpoint.breaker.failures, endpoint.breaker.calls)
    case 'draining':
      return words.underWay(endpoint.inFlight)
  }
}

/** Where an endpoint comes from, when it does not stand in the file itself; empty when it does. */
export function whence({ origin, resolvedFrom, leaseMs }: EndpointReport, words: Words): string {
  switch (origin) {
    case 'configured':
      return ''
    case 'resolved':
      return words.resolvedFrom(resolvedFrom)
    case 'registered':
      return words.registered(Math.ceil((leaseMs ?? 0) / 1_000))
  }
}
