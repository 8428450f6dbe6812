import type { Life } from './life.ts'
import type { Registers } from './registers.ts'
import type { SimSite } from './sim-site.ts'
import { accounts } from './writers.ts'

/** Looks at a site as its application does, and notes what it sees. */
export function readSite(life: Life, registers: Registers, site: SimSite): void {
  if (site.catchesUpTo !== null) return
  // Whoever read here before the site was put right is another reader since.
  const process = life.sites.indexOf(site) + 2 * site.lives
  for (const { name } of life.sites) {
    const [one, other] = [1, 2].map((half) => site.rowText('pairs', `${name}-${half}`))
    if (one !== other)
      life.violations.push(`${site.name} has half a transaction of ${name}: ${one} and ${other}`)
  }
  for (const { name } of life.sites) {
    const keys = accounts.map((n) => `${name}-${n}`)
    const rows = keys.map((key) => site.row('bank', key))
    // Before the first of them arrived there is no bank.
    if (rows.includes(null)) continue
    const balances = Object.fromEntries(keys.map((key, i) => [key, rows[i]!['balance']]))
    life.note('bank', process, 'invoke', 'read', null)
    life.note('bank', process, 'ok', 'read', balances)
  }
  const rise = site.row('rows', 'rise')
  if (rise !== null) {
    life.note('monotonic', process, 'invoke', 'read', ['rise', null])
    life.note('monotonic', process, 'ok', 'read', ['rise', rise['n']])
  }
  registers.read()
}
