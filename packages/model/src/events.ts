/**
 * Something the gateway or controller did or saw, with the evidence for it. Events are kept in an append-only
 * file and answered by `/api/v1/events`.
 */
export interface BudaoEvent {
  /** Position in this process's list: 1, 2, 3, … without gaps. */
  readonly seq: number
  /** Wall-clock time, ISO 8601 in UTC with milliseconds. */
  readonly at: string
  readonly kind: EventKind
  readonly severity: 'info' | 'warning' | 'critical'
  /** What it is about: a service, endpoint address, route, listener or worker, as the configuration names it. */
  readonly subject: string
  readonly service?: string
  readonly site?: string
  /** One sentence for people. */
  readonly message: string
  /** The numbers that led to it. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
}

/** Everything an event can be about. */
export const eventKinds = [
  'gateway.started',
  'gateway.draining',
  'gateway.overloaded',
  'gateway.overload-ended',
  'snapshot.applied',
  'snapshot.refused',
  'worker.started',
  'worker.crashed',
  'endpoint.healthy',
  'endpoint.unhealthy',
  'endpoint.ejected',
  'endpoint.returned',
  'endpoints.changed',
  'endpoint.registered',
  'endpoint.deregistered',
  'lease.expired',
  'lease.kept',
  'dns.failed',
  'dns.recovered',
  'drain.started',
  'drain.finished',
  'drain.ended',
  'service.panic',
  'service.panic-ended',
  'service.shedding',
  'service.shedding-ended',
  'breaker.opened',
  'breaker.half-open',
  'breaker.closed',
  'breaker.forced',
  'keys.unavailable',
  'keys.available',
  'keys.changed',
  'channels.changed',
  'channels.refused',
  'identity.unavailable',
  'identity.available',
  'identity.token-unavailable',
  'identity.token-available',
  'store.away',
  'store.back',
  'idempotency.away',
  'idempotency.back',
  'idempotency.full',
  'idempotency.lost',
  'endpoint.tls-failed',
  'certificate.issued',
  'certificate.issue-failed',
  'certificate.renewed',
  'certificate.refused',
  'certificate.expiring',
  'certificate.expired',
  'cache.purged',
  'gslb.changed',
  'gslb.last-good',
  'leader.elected',
  'leader.lost',
  'link.up',
  'link.down',
  'link.cut',
  'link.mended',
  'failover.verdict',
  'site.slow',
  'site.slow-ended',
  'failover.advised',
  'failover.started',
  'failover.finished',
  'failover.rolled-back',
  'failover.refused',
  'failover.in-sync-reduced',
  'failover.acknowledged',
  'failover.automation',
  'failover.drained',
  'failover.undrained',
  'failover.handed-over',
  'failover.released',
  'audit.away',
  'audit.back',
  'process.started',
  'process.adopted',
  'process.exited',
  'process.restarted',
  'process.hung',
  'process.stopped',
  'process.stuck',
  'process.crash-loop',
  'logs.blocked',
  'logs.resumed',
  'logs.crashed',
  'sink.away',
  'sink.back',
  'replication.alarm',
  'replication.alarm-ended',
  'replication.writes-ended',
  'replication.away',
  'replication.back',
  'rollout.started',
  'rollout.step',
  'rollout.paused',
  'rollout.resumed',
  'rollout.held',
  'rollout.aborted',
  'rollout.blocked',
  'rollout.promoted',
  'drill.started',
  'drill.restored',
  'drill.aborted',
  'drill.skipped',
  'drill.finished',
  'alert.firing',
  'alert.resolved',
  'alert.acknowledged',
  'alert.escalated',
  'alert.silenced',
  'alert.unsilenced',
  'alert.rule-failed',
  'alert.stalled',
  'alert.undelivered',
  'alert.delivered-again',
] as const

/** One of `eventKinds`. */
export type EventKind = (typeof eventKinds)[number]

/** What a reporter hands over; the keeper of events adds `seq` and `at`. */
export type EventDraft = Omit<BudaoEvent, 'seq' | 'at'>
