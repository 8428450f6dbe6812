#!/usr/bin/env node
import { run } from './cli.ts'

// Set, not exit(): what was written to a pipe must still arrive.
process.exitCode = await run(process.argv.slice(2))
