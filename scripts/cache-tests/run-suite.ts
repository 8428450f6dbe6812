// One run of the suite through the cache at argv[2], its results as JSON on standard output: the suite can run once in a process.
import { CacheTestSuite } from './suite.ts'

const [, , folder = '', base = ''] = process.argv
process.stdout.write(JSON.stringify(await CacheTestSuite.fetch(folder).run(base)))
process.exit(0)
