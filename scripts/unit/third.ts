import { runUnitTests } from '../unit.ts'

await runUnitTests(process.env['BUDAO_UNIT_CLAIMS'])
