import {
  backoffMs,
  checkHealth,
  failure,
  isIdempotentMethod,
  mayRetry,
  rejected,
  success,
  unknownHealth,
} from '@budao/resilience'
import type { BreakerOptions, FailureKind } from '@budao/resilience'
import { SeededDraws } from '../packages/testkit/src/random.ts'
import { Checker } from './checker.ts'
import { behaviourAt } from './incident.ts'
import type { Incident } from './incident.ts'
import { Timeline } from './timeline.ts'
import { SharedState, Worker, workerCount } from './worker.ts'

export interface Outcome {
  readonly violations: readonly string[]
  readonly requests: number
  readonly answered: number
  readonly retries: number
  /** Requests without an answer, by reason. */
  readonly failed: Readonly<Record<string, number>>
}

interface Request {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly hash: number
  readonly beganAt: number
  readonly deadlineAt: number
  readonly permit: number
  readonly tried: number[]
  retries: number
  processed: number
}

const retryOn: readonly FailureKind[] = [
  'connect-failure',
  'reset-before-request',
  'reset',
  'timeout',
  '502',
  '503',
  '504',
]

/** Lives through an incident: two workers over one memory, phones, checks, faults. The seed decides everything. */
export function live(incident: Incident): Outcome {
  const timeline = new Timeline()
  const draws = new SeededDraws(incident.seed ^ 0x5eed)
  const checker = new Checker(incident)
  const options: BreakerOptions = { sleepWindowMs: incident.sleepWindowMs, trialLeaseMs: incident.requestMs }
  const shared = new SharedState(incident, options)
  const served = incident.endpoints.map(() => 0)
  const failed: Record<string, number> = {}
  const counts = { requests: 0, answered: 0, retries: 0 }
  const makeWorker = (index: number): Worker =>
    new Worker(index, incident, shared, draws, options, (name, transition) =>
      checker.onTransition(name, transition, timeline.now()),
    )
  const workers = Array.from({ length: workerCount }, (_, index) => makeWorker(index))

  const arrive = (): void => {
    if (timeline.now() >= incident.endAt) return
    timeline.after((-Math.log(1 - draws.next()) * 1_000) / incident.requestsPerSecond, arrive)
    begin(draws.pick(workers))
  }

  const begin = (worker: Worker): void => {
    const now = timeline.now()
    counts.requests++
    worker.budget.deposit()
    const permit = worker.breaker.admit(now)
    const request: Request = {
      name: `request ${counts.requests}`,
      method: draws.chance(incident.postShare) ? 'POST' : 'GET',
      hash: Math.floor(draws.next() * 2 ** 32),
      beganAt: now,
      deadlineAt: now + incident.requestMs,
      permit,
      tried: [],
      retries: 0,
      processed: 0,
    }
    if (permit === rejected) return lose(request, 'breaker_open')
    checker.onAdmitted('service', worker.breaker, incident.requestMs, now)
    attempt(worker, request)
  }

  const attempt = (worker: Worker, request: Request): void => {
    const now = timeline.now()
    for (let knocks = 0; knocks <= incident.endpoints.length; knocks++) {
      const index = worker.set.pick(request.hash, now, request.tried)
      if (index === -1) break
      checker.onPick(worker, index, request.tried, now)
      const permit = worker.doors[index]!.admit(now)
      if (permit !== rejected) {
        checker.onAdmitted(incident.endpoints[index]!.id, worker.doors[index]!, incident.requestMs, now)
        return send(worker, request, index, permit)
      }
      request.tried.push(index)
    }
    checker.onNoEndpoint(worker, request.tried, now)
    giveUp(worker, request, 'no_endpoint')
  }

  const send = (worker: Worker, request: Request, index: number, permit: number): void => {
    const beganAt = timeline.now()
    const behaviour = behaviourAt(incident, index, beganAt)
    const lastMs = Math.max(0, request.deadlineAt - beganAt)
    const limitMs = request.retries < incident.retries ? Math.min(incident.perTryMs, lastMs) : lastMs
    const answerMs =
      behaviour === 'hang'
        ? Infinity
        : behaviour === 'slow'
          ? draws.integer(200, 900)
          : behaviour === 'dead'
            ? 1
            : draws.integer(1, 30)
    worker.set.load(index).enter()
    if (behaviour !== 'dead') {
      request.processed++
      checker.onProcessed(request.name, isIdempotentMethod(request.method), request.processed, beganAt)
    }
    timeline.after(Math.min(answerMs, limitMs), () => {
      if (!worker.alive) return
      const now = timeline.now()
      const durationMs = now - beganAt
      const timedOut = answerMs > limitMs
      const ok = !timedOut && (behaviour === 'ok' || behaviour === 'slow')
      worker.set.load(index).leave()
      if (!timedOut && behaviour !== 'dead') worker.set.load(index).observe(durationMs, now)
      worker.doors[index]!.record(permit, ok ? success : failure, durationMs, now)
      worker.set.record(index, ok, now)
      if (now >= incident.convergedAt) served[index]!++
      if (ok) return answer(worker, request)
      const kind = timedOut
        ? 'timeout'
        : behaviour === 'dead'
          ? 'connect-failure'
          : behaviour === 'reset'
            ? 'reset'
            : '503'
      again(worker, request, index, kind)
    })
  }

  const again = (worker: Worker, request: Request, index: number, kind: FailureKind): void => {
    const now = timeline.now()
    if (!request.tried.includes(index)) request.tried.push(index)
    const waitMs = request.tried.length < incident.endpoints.length ? 0 : backoffMs(request.retries, draws)
    const { method, retries, deadlineAt } = request
    const verdict = mayRetry({
      method,
      kind,
      on: retryOn,
      retries,
      retriesMax: incident.retries,
      deadlineAt,
      now: now + waitMs,
    })
    if (verdict !== 'retry') return giveUp(worker, request, verdict)
    if (!worker.budget.withdraw(now)) return giveUp(worker, request, 'budget-used')
    request.retries++
    counts.retries++
    timeline.after(waitMs, () => worker.alive && attempt(worker, request))
  }

  const answer = (worker: Worker, request: Request): void => {
    const now = timeline.now()
    counts.answered++
    worker.breaker.record(request.permit, success, now - request.beganAt, now)
  }

  const giveUp = (worker: Worker, request: Request, why: string): void => {
    const now = timeline.now()
    worker.breaker.record(request.permit, failure, now - request.beganAt, now)
    lose(request, why)
  }

  const lose = (request: Request, why: string): void => {
    failed[why] = (failed[why] ?? 0) + 1
    if (request.beganAt >= incident.convergedAt) checker.onLateFailure(request.name, why, timeline.now())
  }

  const check = (index: number, state = unknownHealth(0)): void => {
    const now = timeline.now()
    if (now >= incident.endAt) return
    const passed = ['ok', 'slow'].includes(behaviourAt(incident, index, now))
    const step = checkHealth(state, passed, now)
    if (step.transition !== 'none') workers[0]!.set.setHealth(index, step.transition)
    timeline.after(1_000, () => check(index, step.state))
  }

  const crash = (): void => {
    workers[1]!.alive = false
    workers[0]!.set.forget(1)
    workers[1] = makeWorker(1)
  }

  timeline.after(0, arrive)
  if (incident.checks)
    for (const index of incident.endpoints.keys()) timeline.after(draws.integer(0, 999), () => check(index))
  for (const at of incident.crashes) timeline.after(at, crash)
  timeline.run(() => checker.onStep(workers, timeline.now()))
  checker.onEnd(workers, served, timeline.now())
  return { violations: checker.violations, ...counts, failed }
}
