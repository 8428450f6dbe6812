export * from './event-hash.ts'
