import { effectivePriority, type Tracked } from './priority.ts'
import { freshScript, scriptAfter, type ScriptState, type ScriptThresholds } from './script-state.ts'
import { masterDownMs, skewMs, type VrrpTiming } from './timing.ts'

/** What a node of an election was told by its file. */
export interface ElectionNodeSettings extends VrrpTiming {
  /** Decides between masters of equal priority: the higher one stays. Distinct. */
  readonly rank: number
  readonly priority: number
  /** Its one script. */
  readonly tracked: Tracked
  readonly thresholds: ScriptThresholds
  readonly preempts: boolean
  readonly preemptDelayMs?: number
}

/**
 * backup  listens, and waits for the adverts to stop
 * master  sends them
 * fault   takes no part until its script is well
 * gone    the process was killed: it neither hears nor says anything
 */
export type ElectionRole = 'backup' | 'master' | 'fault' | 'gone'

/** A node at one moment. Times are on the caller's clock, milliseconds. */
export interface ElectionNode {
  readonly settings: ElectionNodeSettings
  readonly role: ElectionRole
  readonly script: ScriptState
  readonly priority: number | 'fault'
  /** When a master sends its next advert, or a backup gives up waiting. */
  readonly timerAt: number
  /** Since when a backup may take the address from a worse master; null: it has not seen one. */
  readonly preemptAt: number | null
  /** The address is on its interface. A process that is killed leaves it there. */
  readonly holdsAddress: boolean
}

export type ElectionEvent =
  | { readonly kind: 'script'; readonly good: boolean }
  | { readonly kind: 'timer' }
  | { readonly kind: 'advert'; readonly priority: number; readonly rank: number }
  | { readonly kind: 'killed' }
  | { readonly kind: 'stopped' }

/** The node after an event, and the priority of the advert it sends then, 0 for a farewell; null for none. */
export interface ElectionStep {
  readonly node: ElectionNode
  readonly advert: number | null
}

/** A node whose process starts. Where its script may be a fault, it takes no part until that is heard of. */
export function electionNode(settings: ElectionNodeSettings, now: number): ElectionNode {
  const priority = priorityOf(settings, freshScript)
  return {
    settings,
    role: priority === 'fault' ? 'fault' : 'backup',
    script: freshScript,
    priority,
    timerAt: priority === 'fault' ? Infinity : now + masterDownMs(priority, settings),
    preemptAt: null,
    holdsAddress: false,
  }
}

/** What keepalived 2.2 does at an event (vrrp.c, vrrp_track.c, vrrp_scheduler.c), for one address and one script. */
export function electionStep(node: ElectionNode, event: ElectionEvent, now: number): ElectionStep {
  if (node.role === 'gone') return { node, advert: null }
  switch (event.kind) {
    case 'script':
      return onScript(node, event.good, now)
    case 'timer':
      return onTimer(node, now)
    case 'advert':
      return node.role === 'master' ? masterHears(node, event, now) : backupHears(node, event, now)
    case 'killed':
      return { node: { ...node, role: 'gone', timerAt: Infinity }, advert: null }
    case 'stopped': {
      const gone: ElectionNode = { ...node, role: 'gone', timerAt: Infinity, holdsAddress: false }
      return { node: gone, advert: node.role === 'master' ? 0 : null }
    }
  }
}

function onScript(node: ElectionNode, good: boolean, now: number): ElectionStep {
  const { settings } = node
  const script = scriptAfter(node.script, good, settings.thresholds)
  const priority = priorityOf(settings, script)
  const next = { ...node, script, priority }
  if (priority === 'fault') {
    if (node.role === 'fault') return { node: next, advert: null }
    const out: ElectionNode = { ...next, role: 'fault', timerAt: Infinity, holdsAddress: false }
    return { node: out, advert: node.role === 'master' ? 0 : null }
  }
  if (node.priority === 'fault')
    return {
      node: { ...next, role: 'backup', timerAt: now + masterDownMs(priority, settings) },
      advert: null,
    }
  if (node.role === 'backup' && priority !== node.priority) {
    // Its patience depends on its priority: what it has waited so far counts.
    const change = masterDownMs(priority, settings) - masterDownMs(node.priority, settings)
    return { node: { ...next, timerAt: node.timerAt + change }, advert: null }
  }
  return { node: next, advert: null }
}

function onTimer(node: ElectionNode, now: number): ElectionStep {
  if (node.priority === 'fault') return { node, advert: null }
  const { advertMs } = node.settings
  const master: ElectionNode = {
    ...node,
    role: 'master',
    holdsAddress: true,
    timerAt: now + advertMs,
    preemptAt: null,
  }
  return { node: master, advert: node.priority }
}

function backupHears(
  node: ElectionNode,
  { priority }: { readonly priority: number },
  now: number,
): ElectionStep {
  const { settings } = node
  if (node.priority === 'fault') return { node, advert: null }
  if (priority === 0)
    return { node: { ...node, timerAt: now + skewMs(node.priority, settings) }, advert: null }
  const patient = { ...node, timerAt: now + masterDownMs(node.priority, settings) }
  // An equal is left alone: only masters compare their addresses.
  if (priority >= node.priority) return { node: { ...patient, preemptAt: null }, advert: null }
  if (!settings.preempts) return { node: patient, advert: null }
  const delayMs = settings.preemptDelayMs ?? 0
  const preemptAt = node.preemptAt ?? now + delayMs
  if (now < preemptAt) return { node: { ...patient, preemptAt }, advert: null }
  // Passed over: the timer goes on as if it had not come.
  return { node: { ...node, preemptAt }, advert: null }
}

function masterHears(
  node: ElectionNode,
  { priority, rank }: { readonly priority: number; readonly rank: number },
  now: number,
): ElectionStep {
  const { settings } = node
  if (node.priority === 'fault') return { node, advert: null }
  const better = priority > node.priority || (priority === node.priority && rank > settings.rank)
  // A worse master, or one that says farewell, is answered: an election at once.
  if (!better) return { node, advert: node.priority }
  const backup: ElectionNode = {
    ...node,
    role: 'backup',
    holdsAddress: false,
    timerAt: now + masterDownMs(node.priority, settings),
    preemptAt: null,
  }
  return { node: backup, advert: null }
}

function priorityOf(
  { priority, tracked }: ElectionNodeSettings,
  { well, fresh }: ScriptState,
): number | 'fault' {
  // A weight counts from the first result on, in either direction.
  if (fresh) return tracked.weight === 0 ? 'fault' : priority
  return effectivePriority(priority, [{ tracked, well }])
}
