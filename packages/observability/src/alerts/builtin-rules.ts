import { parseCondition } from '../rules/condition-parser.ts'
import type { AlertRule } from '../rules/rule.ts'

type Written = Pick<AlertRule, 'name' | 'text' | 'severity'> & {
  readonly for?: number
  readonly keep?: number
  readonly summary: string
  /** A page of docs/operating. */
  readonly runbook: string
}

const minute = 60_000

/** A rule for everything that Budao does by itself or cannot do: docs/reference/alerts.md has the table. */
const written: readonly Written[] = [
  {
    name: 'BudaoFailover',
    text: 'count(event.kind:failover.started) > 0 in 5m by service, site',
    severity: 'P1',
    summary: 'A failover or switchover of {{ $labels.service }} began.',
    runbook: 'site-down.md',
  },
  {
    name: 'BudaoFailoverRolledBack',
    text: 'count(event.kind:failover.rolled-back or event.kind:failover.refused) > 0 in 10m by service',
    severity: 'P1',
    summary: 'A move of {{ $labels.service }} was rolled back or refused.',
    runbook: 'stuck-move.md',
  },
  {
    name: 'BudaoFailoverAdvised',
    text: 'count(event.kind:failover.advised) > 0 in 10m by service',
    severity: 'P1',
    summary: 'A failover of {{ $labels.service }} is advised, and waits for a person.',
    runbook: 'failover-blocked.md',
  },
  {
    name: 'BudaoNoLeader',
    text: 'max(budao_failover_store_reachable{}) < 1 in 30s by instance',
    severity: 'P1',
    summary: 'The coordination store does not answer: no failover can begin.',
    runbook: 'no-quorum.md',
  },
  {
    name: 'BudaoAuditAway',
    text: 'value(budao_failover_audit_writable{}) < 1 by instance',
    severity: 'P1',
    summary: 'The audit log cannot be written: no failover by itself begins.',
    runbook: 'audit-broken.md',
  },
  {
    name: 'BudaoLinkDown',
    text: 'max(budao_link_up{}) < 1 in 30s by node',
    severity: 'P2',
    for: minute,
    summary: 'No link to the node {{ $labels.node }}.',
    runbook: 'link-down.md',
  },
  {
    name: 'BudaoBreakerOpen',
    text: 'max(budao_gateway_breaker_open{}) > 0 in 5s by service, endpoint',
    severity: 'P2',
    keep: 30_000,
    summary: 'The breaker of {{ $labels.service }} {{ $labels.endpoint }} is open.',
    runbook: 'breaker-open.md',
  },
  {
    name: 'BudaoBreakerFlapping',
    text: 'count(event.kind:breaker.opened) > 5 in 10m by subject',
    severity: 'P2',
    summary: 'The breaker of {{ $labels.subject }} opened {{ $value }} times in 10 minutes.',
    runbook: 'breaker-open.md',
  },
  {
    name: 'BudaoEndpointFlapping',
    text: 'count(event.kind:endpoint.unhealthy) > 5 in 10m by service, subject',
    severity: 'P2',
    summary:
      '{{ $labels.subject }} of {{ $labels.service }} became unhealthy {{ $value }} times in 10 minutes.',
    runbook: 'endpoint-ejected.md',
  },
  {
    name: 'BudaoEndpointUnhealthy',
    text: 'max(budao_gateway_endpoint_healthy{}) < 1 in 30s by service, endpoint',
    severity: 'P3',
    for: minute,
    summary: '{{ $labels.endpoint }} of {{ $labels.service }} has been unhealthy for a minute.',
    runbook: 'endpoint-ejected.md',
  },
  {
    name: 'BudaoServicePanic',
    text: 'value(budao_gateway_service_panic{}) > 0 by service',
    severity: 'P1',
    summary: 'So few endpoints of {{ $labels.service }} are healthy that all get traffic.',
    runbook: 'site-down.md',
  },
  {
    name: 'BudaoErrorRatio',
    text: 'ratio(budao_gateway_requests_total{status="5xx"} / budao_gateway_requests_total{}) > 0.05 in 1m by route min 50',
    severity: 'P2',
    keep: minute,
    summary: '{{ $value }} of the requests of {{ $labels.route }} fail.',
    runbook: 'README.md',
  },
  {
    name: 'BudaoShedding',
    text: 'count(budao_gateway_shed_requests_total{}) > 10 in 1m by service',
    severity: 'P2',
    keep: minute,
    summary: '{{ $labels.service }} is overloaded: requests are refused.',
    runbook: 'overloaded.md',
  },
  {
    name: 'BudaoCertificateExpiring',
    text: 'min(budao_tls_certificate_expiry_seconds{}) < 1209600 in 5m by listener, host',
    severity: 'P2',
    summary: 'The certificate of {{ $labels.listener }} for {{ $labels.host }} ends in less than 14 days.',
    runbook: 'certificates.md',
  },
  {
    name: 'BudaoCertificateExpired',
    text: 'min(budao_tls_certificate_expiry_seconds{}) < 86400 in 5m by listener, host',
    severity: 'P1',
    summary:
      'The certificate of {{ $labels.listener }} for {{ $labels.host }} ends within a day, or has ended.',
    runbook: 'certificates.md',
  },
  {
    name: 'BudaoConfigRefused',
    text: 'count(event.kind:snapshot.refused) > 0 in 10m',
    severity: 'P2',
    summary: 'A changed configuration was refused; the old one goes on.',
    runbook: 'config-refused.md',
  },
  {
    name: 'BudaoWorkerCrashed',
    text: 'count(event.kind:worker.crashed) > 0 in 5m',
    severity: 'P2',
    summary: 'A worker thread crashed and was replaced.',
    runbook: 'worker-crashed.md',
  },
  {
    name: 'BudaoProcessCrashLoop',
    text: 'count(event.kind:process.crash-loop or event.kind:process.stuck) > 0 in 10m by subject',
    severity: 'P1',
    summary: 'The process {{ $labels.subject }} is not restarted any more, or cannot be ended.',
    runbook: 'crash-loop.md',
  },
  {
    name: 'BudaoLogsBlocked',
    text: 'value(budao_logs_blocked{}) > 0',
    severity: 'P2',
    for: minute,
    summary: 'Log files are not read: their disk is full, or the store is full of what no sink has taken.',
    runbook: 'logs.md',
  },
  {
    name: 'BudaoLogSinkAway',
    text: 'value(budao_logs_sink_away{}) > 0 by sink',
    severity: 'P3',
    for: 5 * minute,
    summary: 'The sink {{ $labels.sink }} has taken no logs for five minutes; they wait.',
    runbook: 'logs.md',
  },
  {
    name: 'BudaoSiteSlow',
    text: 'max(budao_failover_site_slow{}) > 0 in 30s by service, site',
    severity: 'P2',
    for: minute,
    summary: '{{ $labels.service }} at {{ $labels.site }} is slow and sheds weight; nothing is moved for it.',
    runbook: 'site-slow.md',
  },
  {
    name: 'BudaoReleaseStuck',
    text: 'count(event.kind:rollout.blocked) > 0 in 10m by subject',
    severity: 'P1',
    summary: 'Rollout {{ $labels.subject }} is bad and cannot be sent back: its data has no way back.',
    runbook: 'release-stuck.md',
  },
  {
    name: 'BudaoReleaseSentBack',
    text: 'count(event.kind:rollout.aborted) > 0 in 10m by subject',
    severity: 'P2',
    summary: 'Rollout {{ $labels.subject }} was sent back: stable has all users.',
    runbook: 'release-sent-back.md',
  },
  {
    name: 'BudaoStoreAway',
    text: 'max(budao_gateway_store_up{}) < 1 in 30s by store',
    severity: 'P2',
    for: 30_000,
    summary: 'The shared store {{ $labels.store }} does not answer.',
    runbook: 'README.md',
  },
  {
    name: 'BudaoIdempotencyLost',
    text: 'count(event.kind:idempotency.away or event.kind:idempotency.full or event.kind:idempotency.lost) > 0 in 5m',
    severity: 'P1',
    summary: 'Keys of writes cannot be kept, or were lost.',
    runbook: 'README.md',
  },
  {
    name: 'BudaoDnsLastGood',
    text: 'count(event.kind:gslb.last-good) > 0 in 5m by subject',
    severity: 'P1',
    summary: 'No site for {{ $labels.subject }}: DNS repeats its last good answer.',
    runbook: 'dns.md',
  },
  {
    name: 'BudaoReplicationLag',
    text: 'max(budao_replication_rpo_seconds{}) > 30 in 30s by site',
    severity: 'P1',
    for: 30_000,
    summary: 'The oldest write that {{ $labels.site }} may not have is {{ $value }} s old.',
    runbook: 'replication.md',
  },
  {
    name: 'BudaoReplicationDivergence',
    text: 'max(budao_replication_dead_letters{}) > 0 in 30s by instance',
    severity: 'P1',
    summary: '{{ $value }} changes could not be applied: rows differ between sites.',
    runbook: 'replication.md',
  },
  {
    name: 'BudaoProcessDown',
    text: 'value(up{}) < 1 by instance',
    severity: 'P1',
    for: 15_000,
    summary: 'The metrics of {{ $labels.instance }} cannot be read.',
    runbook: 'README.md',
  },
  {
    name: 'BudaoAlertsStalledElsewhere',
    text: 'max(budao_alerts_judged_seconds{}) > 60 in 30s by instance',
    severity: 'P1',
    summary: 'Rules of {{ $labels.instance }} have not been judged for {{ $value }} s.',
    runbook: 'README.md',
  },
]

/** The rules that come with Budao, as rules of a file are. */
export function builtInRules(): readonly AlertRule[] {
  return written.map(({ name, text, severity, for: forMs = 0, keep = 0, summary, runbook }) => ({
    name,
    text,
    severity,
    condition: parseCondition(text),
    notify: [],
    forMs,
    keepFiringForMs: keep,
    limit: 1_000,
    noData: 'ok',
    labels: {},
    annotations: { summary, runbook_url: `docs/operating/${runbook}` },
  }))
}
