import { userInfo } from 'node:os'
import type { UnitReport } from '@budao/model'
import { CliError } from '../cli-error.ts'

/** The unit that a person means: its name, or the service’s where that has only one. Throws CliError with exit code 2. */
export function unitNamed(units: readonly UnitReport[], name: string): UnitReport {
  const exact = units.find(({ unit }) => unit === name)
  if (exact !== undefined) return exact
  const parts = units.filter(({ service }) => service === name)
  if (parts.length === 1) return parts[0]!
  if (parts.length > 1) {
    throw new CliError(
      `${name} has a unit a site: expected one of ${parts.map(({ unit }) => unit).join(', ')}`,
      2,
    )
  }
  const known = units.map(({ unit }) => unit).join(', ')
  const what = units.length === 0 ? 'no service has a failover section' : `expected one of ${known}`
  throw new CliError(`no unit ${name}: ${what}`, 2)
}

/** Who runs the command, as the audit log will name them. */
export function whoAsks(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a number that has no name.
    return 'operator'
  }
}
