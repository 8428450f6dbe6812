import type { CachePurge } from '@budao/model'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'

interface PurgeOptions extends AdminAccessOptions {
  readonly route?: string
  readonly address?: string
  readonly prefix?: string
  readonly tag?: string
  readonly all?: true
  readonly json?: true
}

/** `budao cache`: what is done to kept answers by hand. */
export function cacheVerb(program: Command): void {
  const cache = program.command('cache').description('Forget answers that are kept for others.')
  withAdminAccess(
    cache
      .command('purge')
      .description('Forget kept answers, in all workers and stores. All that is given must hold.'),
  )
    .option('--route <name>', 'of this route')
    .option('--address <url>', 'to this address, whatever else they vary by')
    .option('--prefix <url>', 'to addresses that begin so')
    .option('--tag <word>', 'with this word in the header `cache.tagHeader`')
    .option('--all', 'all of them')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
An answer that is on its way from an endpoint meanwhile is not kept. Exits 0 when done, 1 when a store is away
or nothing answers, 2 on wrong usage.

Example:
  $ budao cache purge --address "https://shop.example/products?page=1"
  $ budao cache purge --prefix https://shop.example/products/ --route shop
  $ budao cache purge --tag offers`,
    )
    .action(purge)
}

async function purge({ route, address, prefix, tag, all, json, ...access }: PurgeOptions): Promise<void> {
  const named: CachePurge = {
    ...(route === undefined ? {} : { route }),
    ...(address === undefined ? {} : { url: address }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(tag === undefined ? {} : { tag }),
  }
  const nothing = Object.keys(named).length === 0
  if (nothing && all === undefined)
    throw new CliError('nothing to purge: give --address, --prefix, --tag, --route, or --all', 2)
  if (!nothing && all !== undefined) throw new CliError('--all goes with nothing else', 2)
  if (address !== undefined && prefix !== undefined)
    throw new CliError('--address and --prefix: give one of them', 2)
  const api = await adminApi(access, 'operator')
  const removed = await api.purgeCache(nothing ? { all: true } : named)
  if (json === true) printJson({ removed })
  else printLine(`${removed} kept answer${removed === 1 ? '' : 's'} purged`)
}
