import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { AlertsConfig, Config, EventDraft, ReceiverConfig, SecretConfig } from '@budao/model'
import { openChannel } from '../notify/providers/open-channel.ts'
import type { OpenReceiver } from '../notify/receivers.ts'
import { isMail } from '../rules/rule-file.ts'
import type { AlertRule } from '../rules/rule.ts'
import { AckLinks } from './ack-link.ts'
import { AlertEngine } from './alert-engine.ts'
import { AlertStore } from './alert-store.ts'
import { builtInRules } from './builtin-rules.ts'
import type { SharedAlerts } from './engine-options.ts'
import { parseMatcher } from './matcher.ts'
import { readRules, ruleProblemText } from './read-rules.ts'
import { remoteMetrics } from './scraper.ts'

/** What a process gives to its alerts. */
export interface StartAlertsOptions {
  readonly baseDir: string
  /** Its own metrics, as text. */
  metrics(): string | Promise<string>
  /** What it knows together with other controllers; null: it is alone. */
  readonly shared: SharedAlerts | null
  /** What links in messages are signed with where `alerts` does not say; null: something of its own. */
  readonly linkSecret: string | null
  /** Files of rules that are wrong are left out and said, and nothing is refused for them. */
  readonly lenient: boolean
  report(event: EventDraft): void
  warn(message: string): void
  secret(config: SecretConfig, path: string): Promise<string>
}

/** Opens everything that `alerts` names. Rejects with all problems of its rules, a line each. */
export async function startAlerts(
  { alerts, dataDir }: Pick<Config, 'alerts' | 'dataDir'>,
  options: StartAlertsOptions,
): Promise<AlertEngine | null> {
  if (alerts === undefined) return null
  const { baseDir, secret } = options
  const read = await readRules(alerts, baseDir)
  const problems = read.problems.map(ruleProblemText)
  if (problems.length > 0 && !options.lenient) throw new Error(problems.join('\n'))
  for (const problem of problems) options.warn(`left out of the rules: ${problem}`)
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
    links: externalUrl === '' ? null : new AckLinks(await ackSecret(alerts, store, options), externalUrl),
    externalUrl,
    store,
    shared: options.shared,
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
  { secret, linkSecret }: Pick<StartAlertsOptions, 'secret' | 'linkSecret'>,
): Promise<string> {
  if (configured !== undefined) return await secret(configured, 'alerts.ackSecret')
  if (linkSecret !== null) return linkSecret
  const kept = store.get('ack-secret') as string | undefined
  if (kept !== undefined) return kept
  const made = randomBytes(32).toString('base64url')
  store.put('ack-secret', made)
  return made
}
