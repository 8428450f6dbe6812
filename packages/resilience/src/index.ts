export * from './cells.ts'
export * from './clock.ts'
export * from './priority.ts'
