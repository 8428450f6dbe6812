import { explanationCodes, runSteps, standbyStates, suspicionCauses } from '@budao/model'
import {
  boolean,
  choice,
  count,
  flat,
  instant,
  list,
  milliseconds,
  number,
  object,
  orNull,
  ref,
  sentence,
  string,
} from './openapi-shapes.ts'
import { linkLosses } from './links/link-gate.ts'
import type { Schema } from './openapi-shapes.ts'

const automation: Schema = choice('on', 'advise', 'off')
const kind: Schema = choice('failover', 'switchover', 'failback')
const siteState: Schema = choice('up', 'degraded', 'suspect', 'down')
const by: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 100,
  default: 'operator',
  description: 'Who asks, for the audit log.',
}
const hash: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' }
const nullableMs = (description: string): Schema => ({ ...orNull(number), description })

/** The shapes of failover. */
export const failoverSchemas: { readonly [name: string]: Schema } = {
  Failover: object({
    leader: orNull(ref('Leader')),
    units: list(ref('Unit')),
    watched: list(object({ service: string, verdicts: list(ref('Verdict')) })),
    drains: list(ref('SiteDrain')),
  }),
  LinkCut: object(
    { forMs: { ...number, maximum: 600_000, description: '0: everything passes again.' } },
    {
      lost: {
        ...choice(...linkLosses),
        default: 'all',
        description: 'heard: what others say gets lost; said: what this node says.',
      },
      nodes: { ...list(string), description: 'Between this node and these. Absent: all others.' },
      store: { ...boolean, default: false, description: 'The coordination store is out of reach too.' },
    },
  ),
  LinksCut: object({ ok: { const: true }, forMs: number }),
  Unit: object({
    unit: { type: 'string', description: 'A service, or service/home with multi-active.' },
    service: string,
    automation,
    sites: { ...list(string), description: 'Where it may be, the preferred one first.' },
    leads: { type: 'boolean', description: 'Whether the node that says so leads.' },
    term: orNull(count),
    epoch: orNull(count),
    owner: orNull(string),
    lease: orNull(choice('granted', 'held', 'fenced')),
    leaseMs: milliseconds('How long one renewal holds.'),
    renewedMs: nullableMs('Since the last renewal was seen here, milliseconds.'),
    inSync: list(string),
    why: orNull(ref('Explanation')),
    verdicts: list(ref('Verdict')),
    positions: list(
      object({
        service: string,
        site: string,
        position: count,
        epoch: count,
        lagMs: orNull(number),
        divergence: count,
        capacityPercent: number,
      }),
    ),
    drained: list(string),
    standbys: list(
      object({
        service: string,
        site: string,
        state: choice(...standbyStates),
        ordered: boolean,
        why: string,
      }),
    ),
    returning: list(
      object({
        site: string,
        stage: choice('serving', 'fenced', 'catching-up', 'shadow', 'ready'),
        sinceMs: milliseconds('Since it is there.'),
      }),
    ),
    run: orNull(ref('Run')),
    blockedMs: milliseconds(
      'Until the next failover by itself, unless the last one is acknowledged; 0: at once.',
    ),
  }),
  Explanation: object({
    code: choice(...explanationCodes),
    unit: string,
    message: string,
    evidence: { type: 'object', additionalProperties: flat },
  }),
  Slow: object({
    by: choice('traffic', 'probes'),
    ms: milliseconds(
      'Of real requests the time within which nine of ten had their answer’s head; of probes the median.',
    ),
    usualMs: milliseconds('What it was held against.'),
  }),
  Verdict: object(
    {
      service: string,
      site: string,
      state: choice('up', 'degraded', 'suspect', 'down', 'advise', 'unknown'),
      code: choice('quorum', 'hard', 'no-quorum', 'vetoed', 'no-witness', 'nobody', 'slow', 'agreed'),
      votes: list(
        object(
          {
            observer: string,
            domain: string,
            state: siteState,
            use: choice('counted', 'abstained', 'stale', 'veto'),
            causes: list(choice(...suspicionCauses)),
            ageMs: milliseconds('Age of the word when it was used.'),
            silentMs: nullableMs('Since it had the last answer, milliseconds.'),
          },
          { slow: ref('Slow') },
        ),
      ),
    },
    { slow: ref('Slow') },
  ),
  Run: object({
    id: string,
    unit: string,
    kind,
    from: string,
    to: string,
    epoch: { ...count, description: 'The epoch that ends.' },
    step: choice(...runSteps),
    outcome: orNull(choice('done', 'rolled-back')),
    by: string,
    reason: string,
    verdict: orNull(ref('Verdict')),
    term: count,
    attempt: count,
    lossMs: nullableMs('Acknowledged writes that may be missing, milliseconds.'),
    automaticAt: orNull(number),
    acknowledged: boolean,
    startedAt: { ...number, description: 'Milliseconds since 1970.' },
    steps: list(object({ step: choice(...runSteps), atMs: { type: 'number' } })),
  }),
  Leader: object({
    node: string,
    term: count,
    self: boolean,
    admin: { ...orNull(string), description: 'URL of its admin API.' },
  }),
  Nodes: object({
    self: string,
    leader: orNull(ref('Leader')),
    store: object({ type: string, reachable: boolean, answeredMs: orNull(number) }),
    nodes: list(
      object({
        node: string,
        site: { ...orNull(string), description: 'Null: a witness.' },
        domain: string,
        roles: list(choice('observer', 'keeper', 'controller', 'agent')),
        address: string,
        admin: orNull(string),
        link: choice('self', 'up', 'silent', 'down', 'refused'),
        sinceMs: orNull(number),
        answeredMs: orNull(number),
        roundTripMs: orNull(number),
        why: string,
        abstains: { ...orNull(string), description: 'Why its word does not count; null: it does.' },
      }),
    ),
  }),
  Move: object(
    { kind, reason: sentence },
    {
      to: { type: 'string', description: 'A site; without it the rules choose, failback goes home.' },
      by,
      force: { type: 'boolean', default: false, description: 'A failover away from a site that is well.' },
    },
  ),
  Moving: object({
    ok: { const: true },
    unit: string,
    to: string,
    runId: { ...orNull(string), description: 'Null while it is queued.' },
    why: ref('Explanation'),
  }),
  Acknowledgement: object({}, { reason: sentence, by }),
  Wish: object({ ok: { const: true }, runId: orNull(string), why: ref('Explanation') }),
  AutomationChange: object(
    { automation, reason: sentence },
    {
      unit: { type: 'string', description: 'Exactly one of unit, service and all.' },
      service: string,
      all: { const: true },
      by,
    },
  ),
  SiteDrainChange: object(
    { site: string, reason: sentence },
    {
      by,
      force: { type: 'boolean', default: false, description: 'Even if a unit has no healthy site left.' },
      undo: { type: 'boolean', default: false },
    },
  ),
  SiteDrain: object({
    site: string,
    since: instant,
    by: string,
    reason: string,
    forced: boolean,
    state: choice('moving', 'drained', 'stuck'),
    moves: list(
      object({
        unit: string,
        to: string,
        state: choice('waiting', 'moving', 'moved', 'failed'),
        runId: orNull(string),
        why: string,
      }),
    ),
    lost: { ...list(string), description: 'Units left without a site because a person forced it.' },
  }),
  SiteDrains: object({ drains: list(ref('SiteDrain')) }),
  SiteDrainTaken: object({ ok: { const: true }, drain: ref('SiteDrain') }),
  AuditRecords: object({ records: list(ref('AuditRecord')) }),
  AuditRecord: object({
    seq: { type: 'integer', minimum: 1 },
    at: instant,
    actor: string,
    action: string,
    subject: string,
    term: count,
    epoch: count,
    detail: { type: 'object' },
    previous: hash,
    hash,
  }),
  AuditVerdict: object({
    ok: boolean,
    records: count,
    last: orNull(object({ seq: count, hash })),
    broken: orNull(object({ seq: count, why: choice('changed', 'removed-before', 'unreadable') })),
  }),
}
