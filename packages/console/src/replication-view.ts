import type { LoopState, ReplicationStatus, ReplicatorReport, ResyncReport } from '@budao/model'
import { el } from './element.ts'
import type { Content, Element } from './element.ts'
import { badge } from './failover-view.ts'
import { formatMs, formatNumber, formatSpan } from './format.ts'
import type { Tone } from './labels.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

const tones: { readonly [state in LoopState['state']]: Tone } = {
  running: 'good',
  retrying: 'warn',
  'log-full': 'bad',
  stopped: 'bad',
  resyncing: 'warn',
}

/** How far the data of the sites is apart, by direction, and what waits for a person; nothing where none is replicated. */
export function replication(status: ReplicationStatus | null, words: Words): Element | null {
  if (status === null) return null
  const { url, report, ageMs, problem } = status
  const silent = problem !== ''
  return section('replication', words.replication, [
    el(
      'p',
      { class: 'line', 'data-key': 'head', 'data-replication': silent ? 'away' : 'told' },
      silent && badge('bad', words.replicationAway(problem)),
      !silent && report?.alarms.length === 0 && badge('good', words.replicationFine),
      report === null && !silent && el('span', null, words.replicationWaiting),
      report !== null && el('span', { class: 'quiet' }, words.replicationSaid(url, formatSpan(ageMs))),
    ),
    report !== null && alarms(report),
    report !== null && el('div', { class: 'service', 'data-key': 'directions' }, directions(report, words)),
    report !== null && facts(report, words),
  ])
}

function alarms({ alarms: all }: ReplicatorReport): Content {
  if (all.length === 0) return null
  return el(
    'ul',
    { class: 'problems', 'data-key': 'alarms' },
    all.map(({ code, subject, message }) =>
      el('li', { 'data-key': `${code} ${subject}`, 'data-alarm': code }, `${subject}: ${message}`),
    ),
  )
}

function directions(report: ReplicatorReport, words: Words): Element {
  const { site, outgoing, peers, incoming } = report
  const titles = [
    words.replicationDirection,
    words.state,
    words.replicationBehind,
    words.replicationRpo,
    words.replicationLag,
    words.replicationSilent,
    words.replicationApplied,
    words.replicationConflicts,
    words.replicationParked,
  ]
  const to = peers.map((peer) =>
    row({ 'data-key': `to ${peer.site}`, 'data-direction': `${site} ${peer.site}` }, titles, [
      `${site} → ${peer.site}`,
      [
        stateBadge(outgoing, words),
        peer.degraded && el('div', null, badge('warn', words.replicationDegraded)),
        peer.refused !== null &&
          peer.refused > 0 &&
          el('div', { class: 'why' }, words.replicationRefused(peer.refused)),
      ],
      words.replicationEntries(peer.behind),
      peer.rpoMs === 0
        ? words.replicationNothing
        : el(
            'b',
            { class: peer.rpoMs > 30_000 ? 'bad-number' : '' },
            words.replicationLastOf(formatMs(peer.rpoMs)),
          ),
      `${formatMs(peer.lagP50Ms)} / ${formatMs(peer.lagP99Ms)}`,
      formatMs(peer.silentMs),
      '–',
      '–',
      '–',
    ]),
  )
  const from = incoming.map((each) =>
    row({ 'data-key': `from ${each.site}`, 'data-direction': `${each.site} ${site}` }, titles, [
      `${each.site} → ${site}`,
      stateBadge(each, words),
      each.lagMs === null ? '–' : words.replicationHere(formatMs(each.lagMs)),
      '–',
      '–',
      formatMs(each.silentMs),
      formatNumber(each.applied),
      formatNumber(each.conflicts),
      each.parked > 0 ? el('b', { class: 'bad-number' }, formatNumber(each.parked)) : '0',
    ]),
  )
  return table(words.replication, titles, [...to, ...from])
}

function stateBadge({ state, why }: LoopState, words: Words): Content {
  return [
    badge(tones[state] ?? 'plain', words.replicationStates[state] ?? state),
    why !== '' && el('div', { class: 'why' }, why),
  ]
}

function facts(report: ReplicatorReport, words: Words): Element {
  const { outgoing, deadLetters, ended, paused, resync } = report
  const bad = [
    ...(deadLetters > 0 ? [words.replicationDeadLetters(deadLetters)] : []),
    ...ended.flatMap(({ origin, count }) => (count > 0 ? [words.replicationEnded(origin, count)] : [])),
    ...Object.entries(paused).map(([name, why]) => words.replicationPaused(name, why)),
  ]
  return el(
    'div',
    { 'data-key': 'facts' },
    bad.map((text) => el('p', { class: 'why', 'data-key': text }, `✕ ${text}`)),
    resync != null && resyncLine(resync, words),
    el(
      'p',
      { class: 'quiet' },
      words.replicationOutbox(outgoing.backlog, outgoing.outboxPercent, outgoing.logPercent),
    ),
  )
}

function resyncLine(resync: ResyncReport, words: Words): Element {
  const { kind, from, phase, rows, rowsTotal, lost, undone, different, why } = resync
  const tone: Tone =
    phase === 'verified' ? 'good' : phase === 'diverged' || phase === 'failed' ? 'bad' : 'warn'
  return el(
    'p',
    { class: 'line', 'data-resync': phase },
    badge(tone, words.replicationResync(kind, from, phase)),
    rowsTotal > 0 && el('span', null, words.replicationRows(rows, rowsTotal)),
    lost.length > 0 && el('span', { class: 'why' }, words.replicationLost(lost.length)),
    undone > 0 && el('span', null, words.replicationUndone(undone)),
    different > 0 && el('span', { class: 'why' }, words.replicationDifferent(different)),
    why !== '' && el('span', { class: 'quiet' }, why),
  )
}
