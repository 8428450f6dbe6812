export { run } from './cli.ts'
export { version } from './version.ts'
