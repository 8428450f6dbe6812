import type { GslbExplanation, GslbNameReport, GslbReport } from '@budao/model'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { jsonOption } from '../locate-config.ts'
import { createPaint, formatTable, printJson, printLine, type Paint } from '../output.ts'

interface DnsOptions extends AdminAccessOptions {
  readonly client?: string
  readonly json?: true
}

/** `budao dns`: what names are answered with, and why. */
export function dnsVerb(program: Command): void {
  const dns = program.command('dns').description('Show what names are answered with, and why.')
  withAdminAccess(
    dns.command('status').description('What each name that follows the sites is answered with now.'),
  )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when every name has a usable site, 1 when one has none or nothing answers, 2 on wrong usage.

Example:
  $ budao dns status`,
    )
    .action(status)
  withAdminAccess(
    dns
      .command('explain')
      .description('What one client would be answered for a name, and why.')
      .argument('<name>', 'such as api.shop.example'),
  )
    .option('--client <ip>', 'address of the client (default: this machine)')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Example:
  $ budao dns explain api.shop.example --client 203.0.113.7`,
    )
    .action(explain)
}

async function status({ json, ...access }: DnsOptions): Promise<void> {
  const api = await adminApi(access, 'viewer')
  const report = await api.dns()
  if (json === true) printJson(report)
  else printLine(statusText(report, createPaint()))
  if (report.names.some(({ by }) => by === 'last-good')) process.exitCode = 1
}

async function explain(name: string, { client, json, ...access }: DnsOptions): Promise<void> {
  const api = await adminApi(access, 'viewer')
  const explanation = await api.explainDns(name, client)
  if (json === true) printJson(explanation)
  else printLine(explanationText(explanation))
}

/** A row for each site of each name. */
function statusText(report: GslbReport, paint: Paint): string {
  const { queries, dropped, withdrawn } = report
  const rows = report.names.flatMap((name) => siteRows(name, paint))
  const columns = ['NAME', 'BY', 'TTL', 'SITE', 'STANDS', 'FOR', 'ENDPOINTS', 'ANSWERED', 'ANSWERS']
  const lines = [
    formatTable(
      columns.map((title) => ({ title })),
      rows,
      120,
    ),
    '',
    `${queries} questions, ${dropped} without an answer; at ${[...report.listening, report.http].filter((each) => each !== '').join(', ')}`,
  ]
  if (withdrawn !== null) {
    const share =
      withdrawn.share === null ? '' : `, ${Math.round(withdrawn.share * 100)} % of what came before`
    lines.push(
      `${withdrawn.site} has been out of all answers for ${seconds(withdrawn.sinceMs)}: ${withdrawn.requestsPerSecond.toFixed(1)} requests/s still come${share}`,
    )
  }
  return lines.join('\n')
}

function siteRows({ name, policy, by, ttlMs, sites }: GslbNameReport, paint: Paint): string[][] {
  return sites.map((site, index) => [
    index === 0 ? name : '',
    index === 0 ? (by === 'last-good' ? paint('red', 'last good') : policy) : '',
    index === 0 ? seconds(ttlMs) : '',
    site.site,
    paint(site.standing === 'in' ? 'green' : site.standing === 'down' ? 'red' : 'yellow', site.standing),
    seconds(site.sinceMs),
    `${site.usable}/${site.total}`,
    site.answered ? 'yes' : 'no',
    String(site.answers),
  ])
}

function explanationText({
  name,
  client,
  sites,
  addresses,
  ttlMs,
  scope,
  place,
  why,
}: GslbExplanation): string {
  const known = [
    place.network === null ? '' : `network ${place.network}`,
    place.asn === null ? '' : `AS${place.asn}`,
    place.region ?? '',
    place.country ?? '',
    place.continent ?? '',
  ].filter((each) => each !== '')
  return [
    `${name} for ${client}: ${sites.join(', ')} (${addresses.join(', ')}) for ${seconds(ttlMs)}`,
    `  ${why}`,
    `  place: ${known.length === 0 ? 'nothing is known' : known.join(', ')}; the answer holds for its /${scope}`,
  ].join('\n')
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)}s`
}
