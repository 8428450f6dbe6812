import { CliError } from '../../cli-error.ts'
import { AdminApi } from '../admin-api.ts'

/** Has a DNS server leave questions without an answer for `forMs`. */
export async function muteDns(admin: string, forMs: number, token?: string): Promise<void> {
  await new AdminApi(admin, token).muteDns(Math.ceil(forMs))
}

/** It ends by itself: a server that cannot be asked, or does not let this process ask, answers again without us. */
export async function unmuteDns(admin: string, token?: string): Promise<void> {
  try {
    await new AdminApi(admin, token).muteDns(0)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
  }
}
