import { alertTroubles } from './alert-state.ts'
import { el } from './element.ts'
import type { Element, Node } from './element.ts'
import { failoverTroubles } from './failover-state.ts'
import { formatSpan, formatTime } from './format.ts'
import { signOf } from './labels.ts'
import type { PageState } from './page-state.ts'
import { routeTo } from './page-route.ts'
import { summarise } from './summary.ts'
import type { Summary } from './summary.ts'
import { traffic } from './traffic.ts'
import type { Words } from './words.ts'

/** The one sentence of the banner: also the page's title, and what screen readers are told when it changes. */
export function headlineOf(state: PageState, now: Date, words: Words): { sign: string; text: string } {
  if (state.unreachable !== null) return { sign: signOf('bad'), text: words.unreachable }
  if (state.report === null) return { sign: signOf('plain'), text: words.connecting }
  const summary = summaryOf(state, now, words)
  return { sign: signOf(summary.tone), text: summary.headline }
}

/** What a person on call sees first. */
export function banner(state: PageState, now: Date, words: Words): Node[] {
  const parts: Node[] = []
  if (state.unreachable !== null) parts.push(unreachable(state, now, words))
  if (state.report === null) {
    return parts.length > 0 ? parts : [el('p', { class: 'banner plain' }, words.connecting)]
  }
  const summary = summaryOf(state, now, words)
  parts.push(
    el(
      'section',
      { class: `banner ${summary.tone}`, 'data-overall': summary.tone, 'aria-labelledby': 'headline' },
      headline(summary),
      el(
        'div',
        { class: 'facts' },
        broken(summary, words),
        noticed(summary, words),
        done(summary, now, words),
      ),
    ),
  )
  return parts
}

/** The same in one line, and only when there is something to say: for pages about something else. */
export function shortBanner(state: PageState, now: Date, words: Words): Node[] {
  if (state.report === null && state.unreachable === null) return []
  const { sign, text } = headlineOf(state, now, words)
  const tone = state.unreachable === null ? summaryOf(state, now, words).tone : 'bad'
  if (tone === 'good') return []
  return [
    el(
      'p',
      { class: `banner short ${tone}`, 'data-key': 'short', 'data-overall': tone },
      el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
      el('a', { href: routeTo('overview') }, text),
    ),
  ]
}

function summaryOf(state: PageState, now: Date, words: Words): Summary {
  const others = [...failoverTroubles(state.failover, words), ...alertTroubles(state.alerts, words)]
  return summarise(state.report!, state.events, traffic(state.samples), now, words, others)
}

function headline({ tone, headline: text }: Summary): Element {
  return el(
    'h2',
    { id: 'headline' },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, signOf(tone)),
    text,
  )
}

function broken(summary: Summary, words: Words): Element {
  const list = summary.broken.map((text) => el('li', null, text))
  return fact(words.what, list.length === 0 ? el('p', null, words.nothing) : el('ul', null, list), 'broken')
}

function noticed({ noticed: { tone, text } }: Summary, words: Words): Element {
  const sign = el('span', { class: `sign ${tone}`, 'aria-hidden': 'true' }, signOf(tone))
  return fact(words.who, el('p', null, sign, text), 'noticed')
}

function done(summary: Summary, now: Date, words: Words): Element {
  const list = summary.done.map((event) => {
    const age = formatSpan(now.getTime() - Date.parse(event.at))
    return el('li', null, event.message, ' ', el('span', { class: 'quiet' }, words.ago(age)))
  })
  return fact(words.did, list.length === 0 ? el('p', null, words.didNothing) : el('ul', null, list), 'done')
}

function fact(title: string, content: Element, name: string): Element {
  return el('div', { class: 'fact', 'data-fact': name }, el('h3', null, title), content)
}

function unreachable({ unreachable: gone, reportAt }: PageState, now: Date, words: Words): Element {
  const { since, reason } = gone!
  return el(
    'section',
    { class: 'banner bad unreachable', 'data-key': 'unreachable', 'data-unreachable': true },
    el('h2', null, el('span', { class: 'sign', 'aria-hidden': 'true' }, signOf('bad')), words.unreachable),
    el(
      'p',
      null,
      words.unreachableSince(formatTime(since, now), formatSpan(now.getTime() - since.getTime())),
      ' ',
      words.triesAgain,
      ' ',
      el('span', { class: 'quiet' }, reason),
    ),
    reportAt !== null && el('p', null, words.lastSeen(formatTime(reportAt, now))),
  )
}
