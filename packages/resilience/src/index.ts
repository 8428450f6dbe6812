export * from './cells.ts'
export * from './clock.ts'
