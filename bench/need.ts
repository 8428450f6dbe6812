import { findOrInstall } from '@budao/testkit'

/** Where a program of the Debian package of the same name is, installed if need be. Throws when it cannot be had. */
export async function need(program: string): Promise<string> {
  const found = await findOrInstall(program)
  if (found.kind === 'found') return found.path
  throw new Error(`${program} is needed: ${found.reason}`)
}
