import { parseDuration, type RunKind } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { FailoverApi, type MoveChange } from '../failover/failover-api.ts'
import { followMove } from '../failover/follow-move.ts'
import { endText, StepLines } from '../failover/move-text.ts'
import { unitNamed, whoAsks } from '../failover/unit-name.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'

export interface MoveOptions extends AdminAccessOptions {
  readonly to?: string
  readonly reason?: string
  readonly by?: string
  readonly force?: true
  readonly wait: boolean
  readonly timeout: number
  readonly json?: true
}

const timeoutDefaultMs = 60_000

/** The flags of the three verbs that move a unit. */
export function withMoveOptions(verb: Command): Command {
  return withAdminAccess(verb)
    .option('--to <site>', 'the site that is to have it (default: the rules choose; failback goes home)')
    .option('--reason <text>', 'why, for the audit log; needed')
    .option('--by <name>', 'who asks, for the audit log (default: you)')
    .option('--no-wait', 'do not wait until the move has ended')
    .option('--timeout <duration>', 'how long to wait at most', parseWait, timeoutDefaultMs)
    .option(...jsonOption)
}

/** Moves a unit and follows it to its end. */
export async function move(kind: RunKind, name: string, options: MoveOptions): Promise<void> {
  const { to, reason, by = whoAsks(), force, wait, timeout, json } = options
  if (reason === undefined) throw new CliError('--reason is needed: it goes to the audit log', 2)
  const api = new FailoverApi(await adminApi(options, 'operator'))
  const { unit, run: before } = unitNamed((await api.overview()).units, name)
  const change: MoveChange = {
    kind,
    reason: reason.trim(),
    by,
    ...(to === undefined ? {} : { to }),
    ...(force === undefined ? {} : { force }),
  }
  const begun = await api.move(unit, change)
  if (!wait) {
    if (json) return printJson({ ok: true, ...begun, run: null })
    return printLine(
      `${unit}: goes to ${begun.to}${begun.runId === null ? ', and waits for its turn' : `, run ${begun.runId}`}`,
    )
  }
  const steps = new StepLines()
  const isOurs = ({ id }: { id: string }): boolean => id === (begun.runId ?? id) && id !== before?.id
  const { run, report } = await followMove(api, begun, change, before, {
    timeoutMs: timeout,
    progress: (seen) => {
      if (!json) for (const line of steps.next(seen, isOurs)) printLine(line)
    },
  })
  const done = run?.outcome === 'done'
  if (json) printJson({ ok: done, ...begun, run, why: report.why })
  else if (run?.outcome !== null && run !== null) printLine(endText(report))
  if (run === null)
    throw new CliError(
      `${unit}: another move has begun since; budao audit list --subject ${unit} says how this one ended`,
    )
  if (run.outcome === null) {
    throw new CliError(
      `${unit}: still under way after ${timeout} ms, and goes on: ${report.why?.message ?? run.step} (budao status --why ${unit})`,
    )
  }
  if (!done) process.exitCode = 1
}

/** A duration such as `30s`. */
export function parseWait(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration such as 30s or 5m.')
  return ms
}
