import type { DrillNote } from '@budao/controller'
import { CliError } from '../cli-error.ts'
import { AccessDenied } from './admin-api.ts'
import type { GatewayWitness } from './admin-api.ts'

/** A drill that may not be noted breaks nothing: the audit log must be able to say what happened to the site. */
export async function noteStart(witness: GatewayWitness, started: DrillNote): Promise<void> {
  try {
    await witness.record(started)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const hint = error instanceof AccessDenied ? '. A drill needs the operator token: see --token' : ''
    throw new CliError(
      `the gateway did not note the drill, so nothing was broken: ${error.message}${hint}`,
      1,
      { cause: error },
    )
  }
}

/** The figures are there, whether the gateway keeps them or not. */
export async function note(
  witness: GatewayWitness,
  later: DrillNote,
  say: (line: string) => void,
): Promise<void> {
  try {
    await witness.record(later)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    say(`warning: the gateway did not note that the drill has ${later.phase}: ${error.message}`)
  }
}
