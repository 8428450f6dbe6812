import type { FailoverRun, NodeReport, SiteVerdict, UnitReport } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { lossText, whyText } from './failover-state.ts'
import type { FailoverState } from './failover-state.ts'
import { formatMs, formatSpan } from './format.ts'
import { signOf } from './labels.ts'
import type { Tone } from './labels.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

const verdictTones: { readonly [state in SiteVerdict['state']]: Tone } = {
  up: 'good',
  degraded: 'warn',
  suspect: 'warn',
  down: 'bad',
  advise: 'warn',
  unknown: 'plain',
}

/** Who writes each unit, and the nodes that decide it; nothing where the process decides nothing. */
export function failover(state: FailoverState | null, now: Date, words: Words): Element | null {
  if (state === null || (state.units.length === 0 && state.nodes.nodes.length <= 1)) return null
  return section('failover', words.failover, [
    leaderLine(state, words),
    state.units.length === 0
      ? el('p', null, words.noUnits)
      : el('div', { class: 'service' }, units(state, now, words)),
    state.nodes.nodes.length > 1 && el('div', { class: 'service' }, nodes(state.nodes.nodes, words)),
  ])
}

/** A word with its sign and colour. */
export function badge(tone: Tone, word: string): Element {
  return el(
    'span',
    { class: `pill ${tone}` },
    el('span', { 'aria-hidden': 'true', class: 'sign' }, signOf(tone)),
    word,
  )
}

/** The common word on a site. */
export function verdictBadge(state: SiteVerdict['state'], words: Words): Element {
  return badge(verdictTones[state] ?? 'plain', words.verdictStates[state] ?? state)
}

function leaderLine({ leader, nodes: { store } }: FailoverState, words: Words): Element {
  const { type, reachable, answeredMs } = store
  return el(
    'p',
    { class: 'line leader', 'data-leader': leader?.node ?? '' },
    leader === null ? badge('bad', words.nobodyLeads) : el('b', null, words.leads(leader.node, leader.term)),
    reachable
      ? el('span', { class: 'quiet' }, words.storeAnswered(type, answeredMs))
      : badge('bad', words.storeAway(type)),
  )
}

function units({ units: all }: FailoverState, now: Date, words: Words): Element {
  const titles = [
    words.unit,
    words.owner,
    words.epoch,
    words.lease,
    words.verdicts,
    words.whyTitle,
    words.lastMove,
    '',
  ]
  return table(
    words.failover,
    titles,
    all.map((unit) => unitRow(unit, now, titles, words)),
  )
}

function unitRow(report: UnitReport, now: Date, titles: readonly string[], words: Words): Element {
  const { unit, owner, epoch, lease, renewedMs, automation, blockedMs, run } = report
  const leaseTone = lease === 'held' ? 'good' : lease === null ? 'plain' : 'warn'
  return row({ 'data-key': unit, 'data-unit': unit, 'data-owner': owner ?? '' }, titles, [
    [
      el('span', null, unit),
      automation !== 'on' &&
        el('div', null, badge('warn', `${words.automationIs}: ${words.automations[automation]}`)),
    ],
    el('b', null, owner ?? words.nobodyWrites),
    epoch === null ? '–' : String(epoch),
    [
      lease === null ? '–' : badge(leaseTone, words.leases[lease]),
      renewedMs !== null && el('div', { class: 'quiet' }, words.renewed(renewedMs)),
    ],
    el(
      'ul',
      { class: 'verdicts' },
      report.sites.map((site) => siteItem(report, site, words)),
    ),
    [
      el('span', { title: report.why?.message ?? '' }, whyText(report, words)),
      blockedMs > 0 && el('div', { class: 'warning' }, `▲ ${words.blocked(blockedMs)}`),
    ],
    run === null ? '–' : move(run, now, words),
    buttons(report, words),
  ])
}

function siteItem({ verdicts, drained, returning }: UnitReport, site: string, words: Words): Element {
  const state = verdicts.find((verdict) => verdict.site === site)?.state ?? 'unknown'
  const back = returning.find((each) => each.site === site)
  return el(
    'li',
    { 'data-key': site, 'data-verdict': `${site} ${state}` },
    `${site} `,
    drained.includes(site) ? badge('warn', words.siteIsDrained) : verdictBadge(state, words),
    back !== undefined &&
      back.stage !== 'serving' &&
      el('span', { class: 'quiet' }, ` ${words.stages[back.stage]}`),
  )
}

/** A move with the moment of each step. */
function move(run: FailoverRun, now: Date, words: Words): Element {
  const { kind, from, to, by, reason, outcome, startedAt, steps, lossMs } = run
  const who = by === 'automatic' ? words.byItself : by
  const tone = outcome === 'done' ? 'good' : 'warn'
  const end =
    outcome === null
      ? words.underWayFor(Math.max(0, now.getTime() - startedAt))
      : outcome === 'done'
        ? words.done
        : words.takenBack
  return el(
    'div',
    { class: 'move', 'data-run': run.id, 'data-outcome': outcome ?? '' },
    el(
      'div',
      { class: 'line' },
      el('span', null, words.fromTo(words.moves[kind], from, to)),
      badge(tone, end),
    ),
    el(
      'div',
      { class: 'quiet' },
      words.byWhom(who, reason),
      ' · ',
      words.ago(formatSpan(now.getTime() - startedAt)),
      outcome === 'done' && ` · ${lossText(lossMs, words)}`,
    ),
    steps.length > 0 &&
      el(
        'ol',
        { class: 'steps' },
        steps.map(({ step, atMs }, index) =>
          el(
            'li',
            { 'data-key': `${index}` },
            words.steps[step],
            ' ',
            el('b', null, `+${formatMs(Math.max(0, atMs))}`),
          ),
        ),
      ),
  )
}

function buttons(report: UnitReport, words: Words): Element {
  const { unit, owner, sites, blockedMs, run } = report
  const [home] = sites
  const moving = run !== null && run.outcome === null
  const button = (wish: string, text: string, label: string): Element =>
    el(
      'button',
      { type: 'button', class: 'small', 'data-wish': wish, 'data-wish-unit': unit, 'aria-label': label },
      text,
    )
  return el(
    'div',
    { class: 'line' },
    button('why', words.whyButton, words.whyOf(unit)),
    !moving && owner !== null && sites.length > 1 && button('move', words.moveButton, words.moveOf(unit)),
    !moving &&
      owner !== null &&
      home !== undefined &&
      home !== owner &&
      button('failback', words.failbackButton, words.failbackOf(unit, home)),
    blockedMs > 0 && button('acknowledge', words.ackButton, words.ackOf(unit)),
    button('automation', words.automationButton, words.automationOf(unit)),
  )
}

function nodes(all: readonly NodeReport[], words: Words): Element {
  const titles = [
    words.node,
    words.site,
    words.roles,
    words.link,
    words.lastBeat,
    words.roundTrip,
    words.remark,
  ]
  return table(
    words.node,
    titles,
    all.map(({ node, site, roles, link, answeredMs, roundTripMs, why, abstains }) =>
      row({ 'data-key': node, 'data-node': node, 'data-link': link }, titles, [
        node,
        site ?? words.witness,
        roles.join(' · '),
        badge(link === 'up' || link === 'self' ? 'good' : 'bad', words.links[link]),
        formatMs(answeredMs),
        formatMs(roundTripMs),
        abstains === null ? why : words.abstains(abstains),
      ]),
    ),
  )
}
