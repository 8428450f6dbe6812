export * from './binlog-source.ts'
export * from './mariadb-applier.ts'
export type * from './mariadb-connection.ts'
