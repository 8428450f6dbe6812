import type { Role } from './access.ts'
import type { AdminReply } from './admin-reply.ts'
import type { AdminRequest } from './admin-request.ts'
import type { NodeSource } from './admin-source.ts'

/** One route of the admin address. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** In the router's notation, `:name` for a parameter. */
  readonly url: string
  readonly role: Role
  /** Returns the content of the answer, see `AdminReply`. */
  readonly handle: (request: AdminRequest, reply: AdminReply) => unknown
}

/** Carries the audit trail of changes, and failures. A pino logger is one. */
export interface AdminLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What routes of any process are made with. */
export interface NodeRoutesOptions {
  readonly source: NodeSource
  readonly log: AdminLog
}
