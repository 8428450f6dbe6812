import { rolloutActions, type RolloutAction, type RolloutReport } from '@budao/model'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { whoAsks } from '../failover/unit-name.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { rolloutText } from '../rollout/rollout-text.ts'

interface Options extends AdminAccessOptions {
  readonly json?: true
}

interface WishOptions extends Options {
  readonly reason?: string
  readonly by?: string
  readonly force?: true
}

const about: Readonly<Record<RolloutAction, string>> = {
  start: 'Gives the release its first share.',
  pause: 'Stays at the step; a bad release goes back all the same.',
  resume: 'Goes on from a pause.',
  promote: 'Gives the release everything at once, whatever the steps say.',
  abort: 'Takes everything from the release at once, also after its end.',
  retry: 'Starts once more what was sent back.',
}

/** `budao rollout`: releases that come to users step by step, and go back. */
export function rolloutVerb(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('Bring a release to users step by step; send it back.')
  withAdminAccess(
    rollout.command('status').description('Shares, steps and the last verdict with its numbers.'),
  )
    .argument('[name]', 'a key of `rollouts`; all of them without')
    .option(...jsonOption)
    .addHelpText('after', '\nExits 1 when one was sent back.\n\nExample:\n  $ budao rollout status shop-v2')
    .action(status)
  for (const action of rolloutActions) {
    const verb = withAdminAccess(rollout.command(action).description(about[action]))
    if (action === 'abort')
      verb.option('--force', 'also where the release before cannot read the data any more; needs --reason')
    verb
      .argument('<name>', 'a key of `rollouts`')
      .option('--reason <text>', 'why, for the events')
      .option('--by <name>', 'who asks, for the events (default: you)')
      .option(...jsonOption)
      .addHelpText(
        'after',
        `\nAny gateway may be asked.\n\nExample:\n  $ budao rollout ${action} shop-v2 --reason "2.4.0"`,
      )
      .action((name: string, options: WishOptions) => change(action, name, options))
  }
}

async function status(name: string | undefined, { json, ...access }: Options): Promise<void> {
  const api = await adminApi(access, 'viewer')
  const rollouts =
    name === undefined
      ? (await api.read<{ rollouts: readonly RolloutReport[] }>('/api/v1/rollouts')).rollouts
      : [await api.read<RolloutReport>(pathOf(name))]
  if (json === true) printJson(name === undefined ? { rollouts } : rollouts[0])
  else for (const each of rollouts) printLine(rolloutText(each))
  if (rollouts.some(({ phase }) => phase === 'aborted')) process.exitCode = 1
}

async function change(
  action: RolloutAction,
  name: string,
  { reason, by = whoAsks(), force, json, ...access }: WishOptions,
): Promise<void> {
  const api = await adminApi(access, 'operator')
  const wish = {
    action,
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(force === true ? { force } : {}),
  }
  const rollout = await api.change<RolloutReport>(pathOf(name), wish)
  if (json === true) printJson(rollout)
  else printLine(rolloutText(rollout))
}

function pathOf(name: string): string {
  return `/api/v1/rollouts/${encodeURIComponent(name)}`
}
