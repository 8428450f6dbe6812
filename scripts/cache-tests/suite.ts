import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { request, type ClientRequest } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const version = '0.4.5'

/** What a test is for: `required` by the specification, `optimal` for efficiency, `check` only says what a cache does. */
export type Kind = 'required' | 'optimal' | 'check'

/** passed, failed; or `untested`: the test, or one it builds on, could not be carried out. */
export type Verdict = 'passed' | 'failed' | 'untested'

/** One test and what became of it. */
export interface TestResult {
  readonly id: string
  readonly name: string
  readonly group: string
  readonly kind: Kind
  readonly verdict: Verdict
  /** Why not; empty when it passed. */
  readonly reason: string
}

interface SuiteTest {
  readonly id: string
  readonly name: string
  readonly kind?: Kind
  readonly depends_on?: readonly string[]
  readonly browser_only?: boolean
}

interface SuiteGroup {
  readonly name: string
  readonly tests: readonly SuiteTest[]
}

type Outcome = true | readonly [kind: string, message: string]

/**
 * The suite of cache-tests.fyi, fetched from the registry into `folder` on first use. Not a dependency: it declares a whole
 * npm of its own, of which it runs nothing.
 */
export class CacheTestSuite {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static fetch(folder: string): CacheTestSuite {
    const place = join(folder, `http-cache-tests-${version}`)
    if (!existsSync(place)) {
      mkdirSync(folder, { recursive: true })
      execFileSync('npm', ['pack', '--silent', `http-cache-tests@${version}`], { cwd: folder })
      execFileSync('tar', ['xzf', `http-cache-tests-${version}.tgz`], { cwd: folder })
      rmSync(join(folder, `http-cache-tests-${version}.tgz`))
      renameSync(join(folder, 'package'), place)
    }
    return new CacheTestSuite(place)
  }

  /** Starts the origin that the tests talk to through a cache. Returns how to end it. */
  startOrigin(port: number): () => void {
    const child = spawn(process.execPath, ['server/server.mjs'], {
      cwd: this.#folder,
      stdio: 'ignore',
      env: {
        ...process.env,
        npm_config_protocol: 'http',
        npm_config_port: String(port),
        npm_config_pidfile: join(this.#folder, 'server.pid'),
      },
    })
    return () => child.kill()
  }

  /** Runs every test through the cache at `base`. Once for each process: the suite keeps its results for itself. */
  async run(base: string): Promise<TestResult[]> {
    const load = (file: string): Promise<any> => import(pathToFileURL(join(this.#folder, file)).href)
    const { runTests, getResults } = await load('client/runner.mjs')
    const groups: SuiteGroup[] = [
      ...(await load('tests/index.mjs')).default,
      (await load('tests/surrogate-control.mjs')).default,
    ]
    await runTests(groups, plainFetch, false, base)
    return resultsOf(groups, getResults())
  }
}

function resultsOf(groups: readonly SuiteGroup[], outcomes: Readonly<Record<string, Outcome>>): TestResult[] {
  const byId = new Map(groups.flatMap(({ tests }) => tests.map((test) => [test.id, test])))
  const verdictOf = ({ id, depends_on = [] }: SuiteTest): [Verdict, string] => {
    const missing = depends_on.find((each) => verdictOf(byId.get(each)!)[0] !== 'passed')
    if (missing !== undefined) return ['untested', `builds on ${missing}`]
    const outcome = outcomes[id]
    if (outcome === true) return ['passed', '']
    if (outcome === undefined) return ['untested', 'not run']
    return [outcome[0] === 'Setup' ? 'untested' : 'failed', outcome[1]]
  }
  return groups.flatMap(({ name: group, tests: own }) =>
    own
      .filter(({ browser_only }) => browser_only !== true)
      .map((test) => {
        const [verdict, reason] = verdictOf(test)
        return { id: test.id, name: test.name, group, kind: test.kind ?? 'required', verdict, reason }
      }),
  )
}

interface FetchInit {
  readonly method?: string
  readonly headers?: readonly (readonly [string, string])[] | Readonly<Record<string, string>>
  readonly body?: string
}

/** As much of fetch as the suite uses, and nothing that the platform's adds by itself, such as Cache-Control. */
function plainFetch(url: string, { method = 'GET', headers = {}, body }: FetchInit = {}): Promise<object> {
  const lines: Record<string, string | string[]> = {}
  for (const [name, value] of Array.isArray(headers) ? headers : Object.entries(headers))
    lines[name] = name in lines ? [lines[name]!, value].flat() : value
  return new Promise((resolve, reject) => {
    const asked: ClientRequest = request(url, { method, headers: lines, agent: false }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString()
        const received = new Headers()
        for (let i = 0; i < answer.rawHeaders.length; i += 2)
          received.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!)
        resolve({
          status: answer.statusCode,
          headers: received,
          text: async () => text,
          json: async () => JSON.parse(text) as unknown,
        })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
