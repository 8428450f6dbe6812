import { type EndedWrites, endedIdsMax } from '@budao/model'
import type { DeadLetters } from '../site-database.ts'

/** Writes that came after their epoch had ended: by site, with the ids of the oldest. */
export async function endedWrites(letters: DeadLetters): Promise<EndedWrites[]> {
  const counts = (await letters.countBySite()).filter(({ oldEpoch }) => oldEpoch > 0)
  return Promise.all(
    counts.map(async ({ origin, oldEpoch }) => ({
      origin,
      count: oldEpoch,
      ids: await letters.ended(endedIdsMax, origin),
    })),
  )
}
