#!/usr/bin/env node
import { boundEngine } from './lean-engine.ts'

// Before the rest is loaded: the engine would have made room for that already, and kept it.
boundEngine()
const { run } = await import('./cli.ts')

// Set, not exit(): what was written to a pipe must still arrive.
process.exitCode = await run(process.argv.slice(2))
