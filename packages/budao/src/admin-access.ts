import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from './cli-error.ts'
import type { AdminApi } from './drill/admin-api.ts'
import { configOption, readConfigFile } from './locate-config.ts'

/** How a verb finds the admin API of a gateway. */
export interface AdminAccessOptions {
  readonly url?: string
  readonly config?: string
  readonly token?: string
}

/** What a verb is about to do: an operator's token is looked for first where it changes something. */
export type AdminRole = 'viewer' | 'operator'

const defaultUrl = 'http://127.0.0.1:9900'

/** The flags `--url`, `--config` and `--token`. */
export function withAdminAccess(verb: Command): Command {
  return verb
    .option(
      '--url <url>',
      `origin of the admin API (default: that of the configuration, or ${defaultUrl})`,
      parseOrigin,
    )
    .option(...configOption)
    .option('--token <token>', 'of the admin API (default: $BUDAO_TOKEN, or the configuration’s)')
}

/** The admin API that the flags mean, or the configuration, or the usual address. Throws CliError with exit code 2. */
export async function adminApi(
  { url, config, token }: AdminAccessOptions,
  role: AdminRole,
): Promise<AdminApi> {
  if (url !== undefined && config !== undefined) throw new CliError('--url and --config: give one of them', 2)
  const { AdminApi } = await import('./drill/admin-api.ts')
  const secret = token ?? process.env['BUDAO_TOKEN']
  if (url !== undefined) return new AdminApi(url, secret)
  const file = await readConfigFile(config).catch((error: unknown) => {
    // Nobody named a file: then the address that `budao up` has by default is meant.
    if (config === undefined && error instanceof CliError) return undefined
    throw error
  })
  if (file === undefined) return new AdminApi(defaultUrl, secret)

  const { parseConfig, formatProblem } = await import('@budao/model/parser')
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) {
    throw new CliError(
      `${file.name} has problems; --url asks a gateway without it\n${parsed.problems.map(formatProblem).join('\n')}`,
      2,
    )
  }
  const { reachable } = await import('./drill/drill-plan.ts')
  const { address, tokens } = parsed.config.admin
  const { viewer, operator } = tokens ?? {}
  const own = role === 'viewer' ? (viewer ?? operator) : (operator ?? viewer)
  return new AdminApi(`http://${reachable(address)}`, secret ?? own)
}

function parseOrigin(text: string): string {
  if (URL.canParse(text)) {
    const { protocol, origin } = new URL(text)
    if (protocol === 'http:' || protocol === 'https:') return origin
  }
  throw new InvalidArgumentError(`Expected a URL such as ${defaultUrl}.`)
}
