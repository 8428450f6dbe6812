// What every process has: its admin address and its events. A process that decides nothing loads no more of this package.
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
export { EventLog } from './event-log.ts'
export type { EventLogOptions } from './event-log.ts'
export type { EventFileStatus } from './event-file.ts'
