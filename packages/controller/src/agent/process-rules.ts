import type { EventDraft, ProcessEndCause, ProcessPhase } from '@budao/model'
import { retryAfter } from '@budao/resilience/renewal-time'
import type {
  ProcessEffect,
  ProcessEvent,
  ProcessMoment,
  ProcessState,
  ProcessStep,
} from './process-state.ts'
import { mayLive } from './process-state.ts'

/** How long what a process had started may take to end after SIGKILL before people are told. */
const stuckMs = 5_000

/**
 * The rules of one process: what an event makes of its state, and what is to be done about it. It is never started while
 * anything of its last life may live: that nothing does is an event of its own, `cleared`.
 */
export function stepProcess(state: ProcessState, event: ProcessEvent, moment: ProcessMoment): ProcessStep {
  const draft = new ProcessDraft(state, moment)
  switch (event.kind) {
    case 'wanted':
      want(draft, event)
      break
    case 'clear-to-start':
      draft.set({ clearToStart: event.clear })
      if (event.clear && state.phase === 'waiting') start(draft)
      break
    case 'adopted':
      draft.set({ wanted: true, startedAt: event.startedAt, starts: state.starts + 1 })
      draft.tell('process.adopted', 'info', 'was found running, and is looked after from now on', {
        pid: event.pid,
        upMs: Math.round(moment.now - event.startedAt),
      })
      alive(draft)
      break
    case 'left-over':
      draft.enter('clearing', event.why, stuckMs)
      draft.set({ ending: 'restarted' })
      draft.do({ kind: 'clear' })
      break
    case 'spawned':
      spawned(draft, event.pid)
      break
    case 'unstartable':
      draft.set({
        startedAt: null,
        lastExit: { at: moment.wall, cause: 'unstartable', code: null, signal: null },
      })
      draft.tell('process.exited', 'critical', `cannot be started: ${event.why}`, { cause: 'unstartable' })
      failed(draft, event.why)
      break
    case 'exited':
      exited(draft, event)
      break
    case 'cleared':
      if (state.phase === 'clearing') cleared(draft)
      break
    case 'checked':
      checked(draft, event.problem)
      break
    case 'weighed':
      weighed(draft, event.bytes)
      break
    case 'rules':
      draft.set({ rules: event.rules })
      break
    case 'tick':
      tick(draft)
      break
  }
  return { state: draft.state, effects: draft.effects }
}

function want(
  draft: ProcessDraft,
  { wanted, anew, why }: { readonly wanted: boolean; readonly anew: boolean; readonly why: string },
): void {
  const { phase, ending } = draft.state
  draft.set({ wanted })
  if (!wanted) {
    if (phase === 'starting' || phase === 'running') end(draft, 'asked', why)
    else if (phase === 'stopping' || phase === 'clearing') draft.set({ ending: 'asked', why })
    else {
      if (phase !== 'stopped') draft.tell('process.stopped', 'info', `is not to run: ${why}`, {})
      draft.enter('stopped', why)
    }
    return
  }
  // A person who starts it has looked: it begins anew, without what it did before.
  if (anew || !mayLive(phase)) draft.set({ failures: 0, ends: [] })
  if (anew && (phase === 'starting' || phase === 'running')) end(draft, 'restarted', why)
  else if (ending === 'asked' && mayLive(phase)) draft.set({ ending: 'restarted', why })
  else if (!mayLive(phase)) start(draft)
}

function start(draft: ProcessDraft): void {
  if (!draft.state.clearToStart) return draft.enter('waiting', 'what it comes after is not ready')
  const { health } = draft.state.rules
  draft.enter('starting', health === undefined ? '' : 'no check has passed yet', health?.startTimeout)
  draft.set({ startedAt: draft.moment.now, misses: 0, ending: null })
  draft.do({ kind: 'spawn' })
}

function spawned(draft: ProcessDraft, pid: number): void {
  const { starts, lastExit, failures } = draft.state
  draft.set({ starts: starts + 1 })
  const again = starts > 0 && lastExit !== null
  draft.tell(
    again ? 'process.restarted' : 'process.started',
    'info',
    again ? `runs again, after ${failures} failed lives in a row` : 'runs',
    { pid, failures },
  )
  alive(draft)
}

/** It lives. Without a check that is all that can be known. */
function alive(draft: ProcessDraft): void {
  const { health } = draft.state.rules
  if (health === undefined) draft.enter('running', '')
  else draft.enter('starting', 'no check has passed yet', health.startTimeout)
}

function end(draft: ProcessDraft, cause: ProcessEndCause, why: string): void {
  draft.enter('stopping', why, draft.state.rules.stop.grace)
  draft.set({ ending: cause })
  draft.do({ kind: 'signal' })
}

/** At once and without a signal before: who hangs does not hear one, and every moment of it is an outage. */
function kill(draft: ProcessDraft, cause: ProcessEndCause, why: string): void {
  draft.enter('stopping', why, 1_000)
  draft.set({ ending: cause })
  draft.do({ kind: 'kill' })
}

function exited(
  draft: ProcessDraft,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
): void {
  const { phase, ending, startedAt } = draft.state
  if (!mayLive(phase) || phase === 'clearing') return
  const cause = ending ?? 'itself'
  const upMs = startedAt === null ? null : Math.round(draft.moment.now - startedAt)
  draft.set({ ending: cause, lastExit: { at: draft.moment.wall, cause, code, signal } })
  const how = signal !== null ? `by ${signal}` : code === null ? 'unseen' : `with code ${code}`
  if (cause === 'asked') {
    draft.tell('process.stopped', 'info', `has ended ${how}, as it was told to`, { code, signal, upMs })
  } else {
    const severity = cause === 'restarted' ? 'info' : 'warning'
    draft.tell('process.exited', severity, `has ended ${how}`, { code, signal, upMs, cause })
  }
  draft.enter('clearing', draft.state.why, stuckMs)
  draft.do({ kind: 'clear' })
}

/** Nothing of it lives: what comes now depends on why it ended. */
function cleared(draft: ProcessDraft): void {
  const { wanted, ending, why } = draft.state
  const { now } = draft.moment
  const uptime = now - (draft.state.startedAt ?? now)
  draft.set({ startedAt: null })
  if (!wanted) return draft.enter('stopped', why)
  if (ending === 'restarted' || ending === 'asked') return start(draft)
  if (uptime >= draft.state.rules.restart.stable) draft.set({ failures: 0 })
  failed(draft, why)
}

/** A life that nobody ended: it gets another one after a while, unless it had too many. */
function failed(draft: ProcessDraft, why: string): void {
  const { rules, wanted } = draft.state
  const { now, random } = draft.moment
  const { min, max, limit, window } = rules.restart
  const failures = draft.state.failures + 1
  // As many as the limit could ever look at.
  const ends = [...draft.state.ends.filter((at) => now - at < window), now].slice(-limit - 1)
  draft.set({ failures, ends, crashes: draft.state.crashes + 1, ending: null })
  if (!wanted) return draft.enter('stopped', why)
  if (limit > 0 && ends.length > limit) {
    draft.enter('crash-loop', `${ends.length} ends within ${Math.round((now - ends[0]!) / 1000)} s`)
    draft.tell(
      'process.crash-loop',
      'critical',
      `is in a crash loop and stays down: find out why, then \`budao agent restart ${draft.state.name}\``,
      { ends: ends.length, withinMs: Math.round(now - ends[0]!), limit, windowMs: window },
    )
    return
  }
  draft.enter('backing-off', why, retryAfter(failures, min, max, random))
}

function checked(draft: ProcessDraft, problem: string): void {
  const { phase, rules, misses, hangs } = draft.state
  if (rules.health === undefined || (phase !== 'starting' && phase !== 'running')) return
  if (problem === '') {
    if (phase === 'starting') draft.enter('running', '')
    else if (misses > 0) draft.set({ why: '' })
    draft.set({ misses: 0 })
    return
  }
  if (phase === 'starting') return draft.set({ why: `not ready: ${problem}` })
  const missed = misses + 1
  draft.set({ misses: missed, why: `${missed} failed checks: ${problem}` })
  if (missed < rules.health.unhealthyAfter) return
  draft.set({ hangs: hangs + 1 })
  draft.tell('process.hung', 'critical', `lives but fails its checks, and is killed: ${problem}`, {
    failed: missed,
  })
  kill(draft, 'hung', problem)
}

function weighed(draft: ProcessDraft, bytes: number): void {
  const { phase, rules } = draft.state
  if (rules.memoryMax === undefined || bytes <= rules.memoryMax) return
  if (phase !== 'starting' && phase !== 'running') return
  end(draft, 'too-large', `${bytes} bytes of memory, ${rules.memoryMax} allowed`)
}

function tick(draft: ProcessDraft): void {
  const { phase, deadline, rules, why } = draft.state
  if (deadline === null || draft.moment.now < deadline) return
  switch (phase) {
    case 'backing-off':
      return start(draft)
    case 'starting':
      // An adopted one, or one that was never spawned, has no other way out either.
      return kill(draft, 'not-ready', `no check passed within ${rules.health?.startTimeout ?? 0} ms: ${why}`)
    case 'stopping':
      draft.set({ deadline: draft.moment.now + 1_000 })
      draft.do({ kind: 'kill' })
      return
    case 'clearing':
      draft.set({ deadline: null })
      draft.tell('process.stuck', 'critical', 'has ended, and something it started cannot be killed', {})
      return
    case 'stopped':
    case 'waiting':
    case 'running':
    case 'crash-loop':
      draft.set({ deadline: null })
  }
}

/** One step in the making. */
class ProcessDraft {
  state: ProcessState
  readonly effects: ProcessEffect[] = []
  readonly moment: ProcessMoment

  constructor(state: ProcessState, moment: ProcessMoment) {
    this.state = state
    this.moment = moment
  }

  set(change: Partial<ProcessState>): void {
    this.state = { ...this.state, ...change }
  }

  enter(phase: ProcessPhase, why: string, withinMs?: number): void {
    const { now } = this.moment
    this.set({ phase, why, since: now, deadline: withinMs === undefined ? null : now + withinMs })
  }

  do(effect: ProcessEffect): void {
    this.effects.push(effect)
  }

  tell(
    kind: EventDraft['kind'],
    severity: EventDraft['severity'],
    message: string,
    evidence: EventDraft['evidence'],
  ): void {
    this.do({ kind: 'tell', event: { kind, severity, message: `${this.state.name} ${message}.`, evidence } })
  }
}
