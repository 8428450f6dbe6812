export { run, version } from './cli.ts'
