import { chmod, rename, readFile, writeFile } from 'node:fs/promises'
import { statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, type KeepalivedConfig, parseDuration } from '@budao/model'
import type { ParsedConfig } from '@budao/model/parser'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../../cli-error.ts'
import { leanEngine } from '../../lean-engine.ts'
import { configOption, jsonOption, readConfigFile } from '../../locate-config.ts'
import { printJson, printLine } from '../../output.ts'
import { explainVerb } from './virtual-ip-explain.ts'

const parts = ['conf', 'check', 'unit'] as const
type Part = (typeof parts)[number]

interface RenderOptions {
  readonly config?: string
  readonly node?: string
  readonly part: Part
  readonly out?: string
  readonly json?: true
}

interface CheckOptions {
  readonly config?: string
  readonly url: string
  readonly serving?: string
  readonly timeout: number
  readonly json?: true
}

interface WatchOptions {
  readonly config?: string
  readonly json?: true
}

/** `budao keepalived`: the files of keepalived, and what it asks. */
export function virtualIpVerb(program: Command): void {
  const verb = program
    .command('keepalived')
    .description('Share an address among gateways by keepalived: its files, its check, a faster watch.')
  verb
    .command('render')
    .description(
      'Write keepalived.conf of a node, or what belongs to it. Refuses what could never fail over.',
    )
    .option(...configOption)
    .option('--node <name>', 'whose (default: node.name)')
    .addOption(
      new Option(
        '--part <part>',
        'conf: keepalived.conf; check: the program it runs; unit: systemd runs the watch',
      )
        .choices(parts)
        .default('conf'),
    )
    .option('--out <file>', 'write it there, and say whether it has changed')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
The same configuration gives the same text. Exits 0 when done, 1 when refused, 2 on wrong usage.

Example:
  $ budao keepalived render -c budao.yaml --out /etc/keepalived/keepalived.conf
  $ budao keepalived render --part check --out /usr/local/libexec/budao-ready
  $ budao keepalived render --node gw-2 | diff - /etc/keepalived/keepalived.conf`,
    )
    .action(render)
  explainVerb(verb)
  verb
    .command('check')
    .description('Ask the gateway whether it is ready, within a deadline, and say why not.')
    .option('--url <url>', 'origin of its admin API', parseOrigin, 'http://127.0.0.1:9900')
    .option('--serving <url>', 'ask a listener too, which has to answer below 500', parseUrl)
    .option('--timeout <duration>', 'not ready without all answers by then', parseTimeout, 1_000)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when ready, 1 when not. keepalived itself better runs what \`budao keepalived render --part check\` prints:
the same without starting Node.

Example:
  $ budao keepalived check --timeout 500ms
  not ready: http://127.0.0.1:9900/readyz answers 503`,
    )
    .action(check)
  verb
    .command('watch')
    .description('Tell keepalived by a file when the gateway fails, sooner than it can run a check.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Runs until a signal ends it; \`virtualIp.keepalived.watch\` says how. Writes 0 at the end: then the check decides.

Example:
  $ budao keepalived watch -c budao.yaml`,
    )
    .action(watch)
}

async function render({ config: file, node, part, out, json }: RenderOptions): Promise<void> {
  const { config, name } = await readVirtualIp(file)
  const { keepalived } = config.virtualIp!
  const whose = node ?? config.node.name
  if (!Object.hasOwn(keepalived.nodes, whose)) {
    const known = Object.keys(keepalived.nodes).join(', ')
    throw new CliError(`--node: expected one of ${known}, got ${whose}`, 2)
  }
  const text = await textOf(part, config, whose, name, file)
  const changed = out === undefined ? undefined : await write(out, text, part === 'check' ? 0o755 : 0o640)
  if (part === 'conf' && out !== undefined && whose === config.node.name) {
    const problem = programProblem(keepalived.check.program.split(' ', 1)[0]!)
    // It would start all the same, and leave the check out.
    if (problem !== undefined)
      printLine(
        `${problem}: keepalived would run without a check (budao keepalived render --part check prints it)`,
        process.stderr,
      )
  }
  if (json === true) printJson({ part, node: whose, text, ...(out === undefined ? {} : { out, changed }) })
  else if (out === undefined) process.stdout.write(text)
  else printLine(`${out}: ${changed === true ? 'written' : 'as it was'}`)
}

/** Why keepalived would not run a program, as far as its file shows; undefined where it would. */
function programProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return `${path} is not there`
  if ((found.mode & 0o001) === 0) return `${path} may not be run by everybody`
  if (found.uid !== 0 || (found.mode & 0o022) !== 0) return `${path} may be written by others than root`
  return undefined
}

async function textOf(part: Part, config: Config, node: string, name: string, file = name): Promise<string> {
  const { keepalived } = config.virtualIp!
  switch (part) {
    case 'check': {
      const { checkProgram } = await import('../../virtual-ip/providers/check-program.ts')
      return checkProgram(config)
    }
    case 'unit': {
      if (keepalived.watch === undefined)
        throw new CliError(`${name}: virtualIp.keepalived.watch is not configured: nothing to run`)
      const { watchUnit } = await import('../../virtual-ip/providers/watch-unit.ts')
      const words = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? 'budao')]
      return watchUnit(keepalived.watch, { words, config: resolve(file) })
    }
    case 'conf': {
      await refuseDeadEnds(keepalived, name)
      const { keepalivedConf } = await import('../../virtual-ip/providers/keepalived-conf.ts')
      return keepalivedConf(keepalived, node, name)
    }
  }
}

/** What could never fail over is not written: it would look as if it could until the day it has to. */
async function refuseDeadEnds(keepalived: KeepalivedConfig, name: string): Promise<void> {
  const { deadEnds } = await import('@budao/model/vrrp')
  const found = deadEnds(keepalived)
  if (found.length === 0) return
  const lines = found.map(
    ({ master, backup, advice }) =>
      `virtualIp.keepalived.check.weight: ${master.name} (priority ${master.priority}) before ${backup.name} (${backup.priority}): ${advice.problem} (write ${advice.instead})`,
  )
  throw new CliError(`${name}: not rendered\n${lines.join('\n')}`)
}

/** True when the file has changed. It is complete at every moment. */
async function write(path: string, text: string, mode: number): Promise<boolean> {
  try {
    const before = await readFile(path, 'utf8').catch(() => undefined)
    if (before === text) return false
    const draft = `${path}.${process.pid}.tmp`
    await writeFile(draft, text, { mode })
    // The mode of a new file is cut by the umask.
    await chmod(draft, mode)
    await rename(draft, path)
    return true
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`, 2, { cause: error })
  }
}

async function check({ url, serving, timeout, json }: CheckOptions): Promise<void> {
  const { askReadiness } = await import('../../virtual-ip/readiness.ts')
  const answer = await askReadiness({ admin: url, url: serving, timeoutMs: timeout })
  if (json === true) printJson(answer)
  else printLine(answer.ready ? 'ready' : `not ready: ${answer.reason}`)
  if (!answer.ready) process.exitCode = 1
}

async function watch({ config: option, json }: WatchOptions): Promise<void> {
  leanEngine()
  const { text, name } = await readConfigFile(option)
  const { parseConfigAside } = await import('../../parse-aside.ts')
  const { parsed } = await parseConfigAside(text, name)
  const config = await sharing(parsed, name)
  const { check: checks, watch: how } = config.virtualIp!.keepalived
  if (how === undefined) throw new CliError(`${name}: virtualIp.keepalived.watch is not configured`)
  const { askReadiness } = await import('../../virtual-ip/readiness.ts')
  const { watchReadiness } = await import('../../virtual-ip/watch.ts')
  const { reachable } = await import('../../drill/drill-plan.ts')
  const ended = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.abort())
  const question = {
    admin: `http://${reachable(config.admin.address)}`,
    url: checks.url,
    timeoutMs: how.timeout,
  }
  await watchReadiness({
    intervalMs: how.interval,
    fall: how.fall,
    rise: how.rise,
    ask: () => askReadiness(question),
    // Two bytes in place: keepalived reads the file when it is closed.
    publish: (fails) => publish(how.file, fails),
    tell: (answer) => {
      // One line each, so that a program can read them as they come.
      if (json === true) printLine(JSON.stringify({ at: new Date().toISOString(), ...answer }))
      else printLine(answer.ready ? 'the gateway is ready' : `the gateway is not ready: ${answer.reason}`)
    },
    signal: ended.signal,
  })
}

function publish(file: string, fails: boolean): void {
  try {
    writeFileSync(file, fails ? '1\n' : '0\n')
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${(error as NodeJS.ErrnoException).code}`, 1, { cause: error })
  }
}

async function readVirtualIp(option: string | undefined): Promise<{ config: Config; name: string }> {
  const { text, name } = await readConfigFile(option)
  const { parseConfig } = await import('@budao/model/parser')
  return { config: await sharing(parseConfig(text, name), name), name }
}

/** The configuration, if it is one and shares an address. */
async function sharing(parsed: ParsedConfig, name: string): Promise<Config> {
  if (!parsed.ok) {
    const { formatProblem } = await import('@budao/model')
    throw new CliError(`${name} has problems\n${parsed.problems.map(formatProblem).join('\n')}`)
  }
  if (parsed.config.virtualIp === undefined)
    throw new CliError(`${name}: virtualIp is not configured: nothing to share`)
  return parsed.config
}

function parseTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('Expected a duration such as 500ms or 1s.')
  return ms
}

function parseOrigin(text: string): string {
  return new URL(parseUrl(text)).origin
}

function parseUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'http:') return text
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:9900.')
}
