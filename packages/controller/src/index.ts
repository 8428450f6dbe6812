export { controllerErrorCodes, ControllerError } from './controller-error.ts'
export type { ControllerErrorCode } from './controller-error.ts'
export { createAdminServer } from './admin-server.ts'
export type { AdminLog, AdminServer, AdminServerOptions } from './admin-server.ts'
export type {
  AdminSource,
  BreakerRequest,
  BreakerTarget,
  DrillNote,
  EventFeed,
  EventQuery,
  NodeSource,
  ProcessChange,
  DrillDesk,
  ProcessDesk,
  ReloadResult,
} from './admin-source.ts'
export { apiErrorCodes } from './api-error.ts'
export type { ApiErrorCode } from './api-error.ts'
export type { AdminTokens } from './access.ts'
export type { ConsoleFiles } from './console-pages.ts'
export type { Gslb, GslbOptions, GslbSource } from './dns/gslb.ts'
export { startGslb } from './dns/start-gslb.ts'
export { JudgedSites } from './dns/judged-sites.ts'
export { ReportedSites } from './dns/reported-sites.ts'
export type { ServingSide, SiteShare, SiteTraffic } from './control/serving-side.ts'
export type { FailoverDesk } from './failover-desk.ts'
export type { LinkCut, LinkLoss } from './links/link-gate.ts'
export { EventLog } from './event-log.ts'
export type { EventLogOptions } from './event-log.ts'
export type { EventFileStatus } from './event-file.ts'
export { openapi } from './openapi.ts'
export { brokenLink, chainAudit } from './failover/audit-chain.ts'
export * from './failover/drain-plan.ts'
export * from './failover/failback.ts'
export * from './failover/leadership.ts'
export * from './failover/run-queue.ts'
export type * from './failover/unit-effect.ts'
export type * from './failover/unit-event.ts'
export { stepUnit } from './failover/unit-machine.ts'
export * from './failover/unit-rules.ts'
export * from './failover/unit-state.ts'
export * from './failover/unit-report.ts'
export * from './failover/units.ts'
export * from './failover/verdict.ts'
export * from './providers/open-coordination.ts'
export { AuditFile } from './control/audit-file.ts'
export { rolloutMetrics } from './rollout/rollout-metrics.ts'
export type { ReleaseFaultKind } from '@budao/resilience'
export { ReleaseFaults, type ReleaseFaultDesk } from './rollout/release-faults.ts'
export { RolloutNode, type RolloutGateway, type RolloutNodeOptions } from './rollout/rollout-node.ts'
export { SharedDrains, type DrainDirectory } from './registry/shared-drains.ts'
export { SharedRegistry, type RegistryDirectory } from './registry/shared-registry.ts'
export { Keeper } from './keeper/keeper.ts'
export type { KeeperOptions, KeptUnit } from './keeper/keeper-options.ts'
export { openSiteData } from './keeper/open-site-data.ts'
export type { DataPosition, DataQuestion, SiteData } from './keeper/site-data.ts'
export { startSupervisor } from './agent/start-supervisor.ts'
export type { EndListener, Processes, Supervisor, SupervisorOptions } from './agent/supervisor.ts'
