import type { LinkLoss } from '@budao/controller'
import { CliError } from '../../cli-error.ts'
import { AdminApi } from '../admin-api.ts'

/** Has a node lose what passes between it, all others and the store for `forMs`. */
export async function cutLinks(
  { admin, lost }: { readonly admin: string; readonly lost: LinkLoss },
  forMs: number,
  token?: string,
): Promise<void> {
  await new AdminApi(admin, token).change(path, { forMs: Math.ceil(forMs), lost, store: true })
}

/** It ends by itself: a node that cannot be asked, or does not let this process ask, is reached again without us. */
export async function mendLinks(admin: string, token?: string): Promise<void> {
  try {
    await new AdminApi(admin, token).change(path, { forMs: 0 })
  } catch (error) {
    if (!(error instanceof CliError)) throw error
  }
}

const path = '/api/v1/failover/cut'
