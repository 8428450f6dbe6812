import type {
  AuditDraft,
  EventDraft,
  EventKind,
  Explanation,
  ExplanationCode,
  SiteVerdict,
} from '@budao/model'

/** What people are told of a unit, as an event. */
export function noticeEvent(id: string, what: Explanation, critical: boolean, service: string): EventDraft {
  return {
    kind: kinds[what.code] ?? 'failover.refused',
    severity: critical ? 'critical' : 'warning',
    subject: what.unit,
    service,
    message: sentence(what.message),
    evidence: { ...what.evidence, code: what.code, notice: id },
  }
}

const kinds: Partial<Record<ExplanationCode, EventKind>> = {
  moved: 'failover.finished',
  'rolled-back': 'failover.rolled-back',
  // Writes go on, with fewer copies: nothing was refused.
  'in-sync-reduced': 'failover.in-sync-reduced',
  'no-witness': 'failover.advised',
  'automation-advise': 'failover.advised',
}

/** A record of the audit log that people want to see at once; null for the others. */
export function auditEvent(draft: AuditDraft, service: string): EventDraft | null {
  const { action, subject, actor, epoch, term, detail } = draft
  const event = (kind: EventKind, message: string): EventDraft => ({
    kind,
    severity: 'warning',
    subject,
    service,
    message,
    evidence: { by: actor, epoch, term, ...plain(detail) },
  })
  if (action === 'run.started')
    return event(
      'failover.started',
      sentence(
        `${subject} goes from ${String(detail['from'])} to ${String(detail['to'])}: ${String(detail['reason'])}`,
      ),
    )
  return action === 'acknowledged'
    ? event('failover.acknowledged', sentence(`${actor} has seen ${String(detail['run'])}`))
    : null
}

/** A site’s verdict that has become another one; null where nobody need be told. */
export function verdictEvent(before: SiteVerdict | undefined, after: SiteVerdict): EventDraft | null {
  const { service, site, state, code, votes } = after
  const was = before?.state ?? 'unknown'
  if (was === state || (was === 'unknown' && state === 'up')) return null
  const bad = state === 'down' || state === 'advise'
  if (!bad && was !== 'down' && was !== 'advise') return null
  return {
    kind: 'failover.verdict',
    severity: state === 'down' ? 'critical' : 'warning',
    subject: `${service}@${site}`,
    service,
    site,
    message: sentence(`${service} at ${site} is ${state}, it was ${was}`),
    evidence: {
      state,
      was,
      code,
      votes: votes
        .map((vote) => `${vote.observer} ${vote.state} ${vote.use} ${vote.causes.join('+')}`.trim())
        .join(', '),
    },
  }
}

/** That a site has become slow, or is no more; null where neither is so. */
export function slowEvent(before: SiteVerdict | undefined, after: SiteVerdict): EventDraft | null {
  const { service, site, slow, votes } = after
  if ((before?.slow === undefined) === (slow === undefined)) return null
  const about = { subject: `${service}@${site}`, service, site }
  if (slow === undefined) {
    const message = sentence(`${service} at ${site} is not found slow any more: it has its weight again`)
    return { kind: 'site.slow-ended', severity: 'info', ...about, message, evidence: { state: after.state } }
  }
  const [ms, usualMs] = [Math.round(slow.ms), Math.round(slow.usualMs)]
  const what = slow.by === 'traffic' ? 'a tenth of its requests takes' : 'its endpoints take'
  return {
    kind: 'site.slow',
    severity: 'warning',
    ...about,
    message: sentence(
      `${service} at ${site} is slow: ${what} ${ms} ms or more, usual are ${usualMs} ms; its weight is shed, nothing moves`,
    ),
    evidence: {
      by: slow.by,
      ms,
      usualMs,
      votes: votes
        .map(({ observer, use, slow: found }) =>
          found === undefined
            ? `${observer} not ${use}`
            : `${observer} ${found.by} ${Math.round(found.ms)} ms ${use}`,
        )
        .join(', '),
    },
  }
}

/** Only what an event can hold. */
function plain(detail: Readonly<Record<string, unknown>>): EventDraft['evidence'] {
  const kept = Object.entries(detail).filter(
    (entry): entry is [string, string | number | boolean | null] =>
      entry[1] === null || ['string', 'number', 'boolean'].includes(typeof entry[1]),
  )
  return Object.fromEntries(kept)
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

/** A unit is a service, or its part at one site. */
export function serviceOf(unit: string): string {
  return unit.split('/', 1)[0]!
}
