import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  formatProblem,
  type AlertsConfig,
  type Config,
  type EventDraft,
  type ReceiverConfig,
  type SecretConfig,
} from '@budao/model'
import { openChannel } from '../notify/providers/open-channel.ts'
import type { OpenReceiver } from '../notify/receivers.ts'
import { isMail, parseRules } from '../rules/rule-file.ts'
import type { AlertRule } from '../rules/rule.ts'
import { AckLinks } from './ack-link.ts'
import { AlertEngine } from './alert-engine.ts'
import { AlertStore } from './alert-store.ts'
import { builtInRules } from './builtin-rules.ts'
import type { SharedTold } from './engine-options.ts'
import { parseMatcher } from './matcher.ts'
import { remoteMetrics } from './scraper.ts'

/** What a process gives to its alerts. */
export interface StartAlertsOptions {
  readonly baseDir: string
  /** Its own metrics, as text. */
  metrics(): string | Promise<string>
  /** Whether it tells people now. */
  notifies(): boolean
  readonly shared: SharedTold | null
  report(event: EventDraft): void
  warn(message: string): void
  secret(config: SecretConfig, path: string): Promise<string>
}

/** The rules that a configuration names, or one line for each thing that is wrong with them. */
export type ReadRules =
  | { readonly ok: true; readonly rules: readonly AlertRule[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads the files of rules, and checks whom they name. */
export async function readRules(config: AlertsConfig, baseDir: string): Promise<ReadRules> {
  const problems: string[] = []
  const rules: AlertRule[] = []
  const names = new Set(config.builtIn ? builtInRules().map(({ name }) => name) : [])
  for (const [index, file] of config.rules.entries()) {
    let text: string
    try {
      text = await readFile(resolve(baseDir, file), 'utf8')
    } catch (error) {
      problems.push(`alerts.rules[${index}]: ${file} cannot be read: ${(error as Error).message}`)
      continue
    }
    const parsed = parseRules(text, file, Object.keys(config.receivers))
    if (!parsed.ok) problems.push(...parsed.problems.map(formatProblem))
    else
      for (const rule of parsed.rules) {
        if (names.has(rule.name))
          problems.push(`${file}: alert_name ${rule.name} is taken: give it another name`)
        names.add(rule.name)
        rules.push(rule)
      }
  }
  const mail = rules.flatMap(({ notify }) => notify).find(isMail)
  if (mail !== undefined && config.smtp === undefined)
    problems.push(`alerts.smtp: missing: expected a mail server, since a rule notifies ${mail}`)
  for (const [index, inhibit] of config.inhibit.entries())
    for (const side of ['source', 'target'] as const)
      for (const [at, text] of inhibit[side].entries())
        try {
          parseMatcher(text)
        } catch (error) {
          problems.push(`alerts.inhibit[${index}].${side}[${at}]: ${(error as Error).message}`)
        }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rules }
}

/** Opens everything that `alerts` names. Rejects with all problems, a line each, when it cannot be used. */
export async function startAlerts(
  { alerts, dataDir }: Pick<Config, 'alerts' | 'dataDir'>,
  options: StartAlertsOptions,
): Promise<AlertEngine | null> {
  if (alerts === undefined) return null
  const { baseDir, secret } = options
  const read = await readRules(alerts, baseDir)
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const builtIn = alerts.builtIn ? builtInRules() : []
  const rules = [...builtIn, ...read.rules]
  const receivers = await openReceivers(alerts, rules, secret)
  const scraped = await Promise.all(
    alerts.scrape.map(async ({ url, token }, index) =>
      remoteMetrics(
        url,
        token === undefined ? undefined : await secret(token, `alerts.scrape[${index}].token`),
      ),
    ),
  )
  const store = new AlertStore(resolve(baseDir, dataDir, 'alerts.db'), (error) =>
    options.warn(`alerts are not kept for a restart: ${error.message}`),
  )
  const externalUrl = alerts.publicUrl ?? ''
  return new AlertEngine({
    rules,
    builtIn: new Set(builtIn.map(({ name }) => name)),
    receivers,
    notify: alerts.notify,
    sources: [{ instance: '', read: () => options.metrics() }, ...scraped],
    intervalMs: alerts.interval,
    timing: {
      waitMs: alerts.group.wait,
      intervalMs: alerts.group.interval,
      repeatMs: alerts.group.repeat,
    },
    groupBy: alerts.group.by,
    inhibit: alerts.inhibit.map(({ source, target, equal }) => ({
      source: source.map(parseMatcher),
      target: target.map(parseMatcher),
      equal,
    })),
    escalation:
      alerts.escalation === undefined ? null : { ...alerts.escalation, afterMs: alerts.escalation.after },
    retryForMs: alerts.retryFor,
    links: externalUrl === '' ? null : new AckLinks(await ackSecret(alerts, store, secret), externalUrl),
    externalUrl,
    store,
    shared: options.shared,
    notifies: () => options.notifies(),
    report: (event) => options.report(event),
    now: () => performance.now(),
    wallNow: () => Date.now(),
    random: () => Math.random(),
  })
}

/** Those that the configuration names, and every mail address that somebody names. */
async function openReceivers(
  alerts: AlertsConfig,
  rules: readonly AlertRule[],
  secret: StartAlertsOptions['secret'],
): Promise<OpenReceiver[]> {
  const { smtp, language } = alerts
  const named = [...alerts.notify, ...(alerts.escalation?.to ?? []), ...rules.flatMap(({ notify }) => notify)]
  const mail = [...new Set(named.filter(isMail))].map((address): [string, ReceiverConfig] => [
    address,
    { sendResolved: true, email: { to: [address] } },
  ])
  return Promise.all(
    [...Object.entries(alerts.receivers), ...mail].map(async ([name, receiver]) => ({
      name,
      sendResolved: receiver.sendResolved,
      ...(await openChannel(name, receiver, { language: receiver.language ?? language, smtp, secret })),
    })),
  )
}

async function ackSecret(
  { ackSecret: configured }: AlertsConfig,
  store: AlertStore,
  secret: StartAlertsOptions['secret'],
): Promise<string> {
  if (configured !== undefined) return await secret(configured, 'alerts.ackSecret')
  const kept = store.get('ack-secret') as string | undefined
  if (kept !== undefined) return kept
  const made = randomBytes(32).toString('base64url')
  store.put('ack-secret', made)
  return made
}
