import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { tempDir, testCoordination } from '@budao/testkit'
import { openCoordination } from './open-coordination.ts'

testCoordination({
  name: 'sqlite',
  open: async (t) => {
    const path = join(tempDir(t), 'coordination.db')
    const options = { path, pollMs: 5, busyMs: 20 }
    const [one, other] = [
      await openCoordination({ type: 'sqlite', ...options }),
      await openCoordination({ type: 'sqlite', ...options }),
    ]
    t.after(() => {
      one.close()
      other.close()
    })
    return {
      one,
      other,
      takeAway: async () => {
        // Somebody else holds the file.
        const holder = new DatabaseSync(path)
        holder.exec('BEGIN EXCLUSIVE')
        return async () => holder.close()
      },
    }
  },
})
