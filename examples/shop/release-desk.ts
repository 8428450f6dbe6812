import type { RolloutAction, RolloutReport } from '@budao/model'
import type { Flaw } from './flaw.ts'

/** Where the release of the demo is, and who rolls it out. */
export interface ReleaseDeskOptions {
  /** The release's own process: what is wrong with it is told there. */
  readonly releaseUrl: string
  /** A gateway's admin address. */
  readonly adminUrl: string
  readonly rollout: string
}

const timeoutMs = 3_000

/** Starts a release of the demo with a flaw of choice; one that is on its way becomes what was chosen. */
export async function startRelease(flaw: Flaw, options: ReleaseDeskOptions): Promise<void> {
  await ask(`${options.releaseUrl}/demo/release`, flaw)
  const url = `${options.adminUrl}/api/v1/rollouts/${options.rollout}`
  const { phase } = (await ask(url)) as RolloutReport
  const action = actionFor(phase)
  if (action === null) return
  await ask(url, JSON.stringify({ action, by: 'demo', reason: `a release: ${flaw}` }), 'application/json')
}

/** Null: it runs already. */
export function actionFor(phase: RolloutReport['phase']): RolloutAction | null {
  if (phase === 'running' || phase === 'paused') return null
  return phase === 'aborted' ? 'retry' : 'start'
}

async function ask(url: string, body?: string, type = 'text/plain'): Promise<unknown> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(timeoutMs),
    ...(body === undefined ? {} : { method: 'POST', body, headers: { 'Content-Type': type } }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`)
  return JSON.parse(text) as unknown
}
