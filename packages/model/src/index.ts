// Light on purpose: every worker loads it. What needs zod and yaml is `@budao/model/parser`.
export * from './config-address.ts'
export * from './config-status.ts'
export * from './config.ts'
export * from './duration.ts'
export * from './events.ts'
export * from './problem.ts'
export * from './report.ts'
export * from './snapshot.ts'
