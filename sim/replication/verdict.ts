import {
  checkBank,
  checkConvergence,
  checkMonotonicReads,
  checkRegisters,
  checkSet,
  History,
} from '@budao/testkit'
import type { Life } from './life.ts'
import { type SimSite, tables } from './sim-site.ts'
import { accounts, accountStart } from './writers.ts'

/** Notes each promise that was not kept, once everything is well again. */
export function judge(life: Life): void {
  const { sites, violations, histories } = life
  violations.push(...checkMonotonicReads(histories.monotonic.ops))
  violations.push(...checkBank(histories.bank.ops, accountStart * accounts.length))
  for (const site of sites) readReports(life, site)
  if (sites.some(({ stopped }) => stopped !== '')) return
  violations.push(...checkRegisters(histories.registers.ops))
  for (const site of sites) {
    if (site.isFenced) violations.push(`${site.name} was fenced, and is never put right`)
    if (site.catchesUpTo !== null) violations.push(`${site.name} never catches up`)
  }
  const [east, west] = sites
  for (const table of Object.keys(tables)) {
    const wrong = checkConvergence({ east: east.rows(table), west: west.rows(table) })
    violations.push(...wrong.map((each) => `${table} ${each}`))
  }
  for (const site of sites) checkAdds(life, site)
}

/** Dead letters and conflicts: what a site says of itself. */
function readReports({ violations, reported, counts }: Life, site: SimSite): void {
  const seen = new Set<string>()
  for (const { reason, event, detail } of site.applier.letters.list(0, 10_000)) {
    const { id, table, key } = JSON.parse(event) as { id: string; table: string; key: string }
    if (reason !== 'old-epoch' && reason !== 'undone')
      violations.push(`${site.name}: ${id} waits for ever: ${reason}, ${detail}`)
    if (seen.has(id)) violations.push(`${site.name}: ${id} is among the dead letters twice`)
    seen.add(id)
    reported.add(`${table} ${key}`)
  }
  counts.conflicts += site.applier.conflicts(0, 100_000).length
}

/** What was acknowledged is there, or was reported; what was reported is not there. */
function checkAdds(life: Life, site: SimSite): void {
  const { reported, violations } = life
  const process = life.sites.indexOf(site)
  const history = new History()
  history.ops.push(...life.histories.adds.ops)
  history.add(0, process, 'invoke', 'read', null)
  history.add(0, process, 'ok', 'read', [...site.rows('adds').keys()].map(Number))
  const { lost, unexpected, duplicated } = checkSet(history.ops)
  const actual = new Set<string>(lost.map((n) => `adds ${String(n)}`))
  for (const each of actual)
    if (!reported.has(each))
      violations.push(`${site.name}: ${each} was acknowledged, is lost, and nobody says so`)
  for (const each of reported)
    if (each.startsWith('adds ') && !actual.has(each))
      violations.push(`${site.name}: ${each} is said to be lost, and is there`)
  for (const n of [...unexpected, ...duplicated])
    violations.push(`${site.name}: ${String(n)} is there, and should not, or twice`)
}
