// Apart from rules: those load the schema of the configuration, 25 MB that an agent without alerts has no use for.
export type { FollowListener } from './ship/log-outlet.ts'
export { LogsHost, type LogsHostOptions } from './ship/logs-host.ts'
