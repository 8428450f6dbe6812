import type { AuditAction, AuditDraft, EventDraft, SiteVerdict } from '@budao/model'
import type { UnitEffect } from '../failover/unit-effect.ts'
import type { LinkCut } from '../links/link-gate.ts'
import type { Hello } from '../links/frames.ts'
import type { AuditFile } from './audit-file.ts'
import { auditEvent, noticeEvent, serviceOf, slowEvent, verdictEvent } from './control-events.ts'

/** Ids of what people were told already. */
const toldMax = 1_000
/** Two connections become one within this time, milliseconds. */
const soonMs = 500
/** As long as something cannot be done people are told again so often, milliseconds. */
const againMs = 60_000

/** What a node says of failover: to people as events, and to its audit log. */
export class ControlJournal {
  readonly #node: string
  readonly #report: (event: EventDraft) => void
  readonly #counts: Record<string, number> = {}
  readonly #told: Set<string> = new Set()
  readonly #linked: Set<string> = new Set()
  readonly #ending: Map<string, NodeJS.Timeout> = new Map()
  /** Null where nothing is decided here. */
  audit: AuditFile | null = null

  constructor(node: string, report: (event: EventDraft) => void) {
    this.#node = node
    this.#report = report
  }

  /** What was told since the start, by kind. */
  get counts(): Readonly<Record<string, number>> {
    return this.#counts
  }

  /** Resolves true once it is on the disk. */
  async record(draft: AuditDraft): Promise<boolean> {
    const event = auditEvent(draft, serviceOf(draft.subject))
    if (event !== null) this.#say(event)
    return (await this.audit?.append(draft)) ?? false
  }

  /** The same notice again is not told again. */
  notify({ id, what, critical }: Extract<UnitEffect, { kind: 'notify' }>): void {
    this.#once(id, () => noticeEvent(id, what, critical, serviceOf(what.unit)))
  }

  leads(term: number | null): void {
    const node = this.#node
    if (term === null) return this.#event('leader.lost', 'warning', node, `${node} leads no longer.`)
    this.#event('leader.elected', 'info', node, `${node} leads, term ${term}.`, { term })
    void this.record({
      at: new Date().toISOString(),
      actor: node,
      action: 'leader.elected',
      subject: node,
      term,
      epoch: 0,
      detail: {},
    })
  }

  /** The coordination store has not answered for a while, and why; null: it answers again. */
  store(type: string, problem: string | null): void {
    if (problem === null)
      return this.#event('store.back', 'info', 'coordination', 'The coordination store answers again.', {
        type,
      })
    const held = /locked|busy/i.test(problem)
    const hint = held ? ': another process holds the file, and may be stopped in the middle of a change' : ''
    this.#event(
      'store.away',
      'warning',
      'coordination',
      `The coordination store does not answer (${problem})${hint}.`,
      { type, problem },
    )
  }

  linkUp({ node, domain, roles }: Hello): void {
    clearTimeout(this.#ending.get(node))
    this.#ending.delete(node)
    if (this.#linked.has(node)) return
    this.#linked.add(node)
    this.#event('link.up', 'info', node, `There is a link with ${node}.`, { domain, roles: roles.join(', ') })
  }

  /** `soon`: another connection may take its place, which is nothing to tell. */
  linkDown(peer: Pick<Hello, 'node' | 'domain'>, cause: string, why: string, soon: boolean): void {
    const { node } = peer
    clearTimeout(this.#ending.get(node))
    this.#ending.delete(node)
    if (soon) {
      const timer = setTimeout(() => this.#down(peer, cause, why), soonMs)
      timer.unref()
      this.#ending.set(node, timer)
    } else this.#down(peer, cause, why)
  }

  #down({ node, domain }: Pick<Hello, 'node' | 'domain'>, cause: string, why: string): void {
    this.#linked.delete(node)
    this.#event('link.down', 'warning', node, `The link with ${node} is down: ${why}.`, { domain, cause })
  }

  /** A person has changed something that stands until it is changed again. */
  changed(
    action: AuditAction,
    kind: EventDraft['kind'],
    {
      subject,
      by,
      message,
      detail,
    }: { subject: string; by: string; message: string; detail: Readonly<Record<string, string>> },
  ): void {
    this.#event(kind, 'warning', subject, `${message}.`, { by, ...detail })
    const at = new Date().toISOString()
    void this.record({ at, actor: by, action, subject, term: 0, epoch: 0, detail })
  }

  judged(before: readonly SiteVerdict[], after: readonly SiteVerdict[]): void {
    for (const verdict of after) {
      const was = before.find(({ site }) => site === verdict.site)
      for (const event of [verdictEvent(was, verdict), slowEvent(was, verdict)])
        if (event !== null) this.#say(event)
    }
  }

  cut({ lost, nodes, store, forMs }: LinkCut): void {
    this.#event(
      'link.cut',
      'warning',
      this.#node,
      `A drill cuts ${this.#node} off from ${nodes?.join(', ') ?? 'all other nodes'}${store ? ' and the store' : ''} for ${forMs} ms.`,
      { lost, nodes: nodes?.join(', ') ?? 'all', store, forMs },
    )
  }

  mended(): void {
    this.#event('link.mended', 'info', this.#node, `${this.#node} is not cut off any more.`)
  }

  writable(problem: string | null): void {
    if (problem === null)
      this.#event('audit.back', 'info', this.#node, 'The audit log is written again.', {
        lost: this.audit?.lost ?? 0,
      })
    else
      this.#event(
        'audit.away',
        'critical',
        this.#node,
        'The audit log cannot be written: no unit is moved by itself until it can.',
        { problem },
      )
  }

  unrecorded(unit: string): void {
    this.#once(`${unit}/unrecorded/${Math.floor(Date.now() / againMs)}`, () => ({
      kind: 'failover.refused',
      severity: 'critical',
      subject: unit,
      service: serviceOf(unit),
      message: `${unit} would be moved, and is not: the audit log cannot be written.`,
      evidence: { problem: this.audit?.problem ?? '' },
    }))
  }

  #say(event: EventDraft): void {
    this.#counts[event.kind] = (this.#counts[event.kind] ?? 0) + 1
    this.#report(event)
  }

  #once(id: string, event: () => EventDraft): void {
    if (this.#told.has(id)) return
    this.#told.add(id)
    if (this.#told.size > toldMax) this.#told.delete(this.#told.values().next().value!)
    this.#say(event())
  }

  #event(
    kind: EventDraft['kind'],
    severity: EventDraft['severity'],
    subject: string,
    message: string,
    evidence: EventDraft['evidence'] = {},
  ): void {
    this.#say({ kind, severity, subject, message, evidence })
  }
}
