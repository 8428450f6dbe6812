import { fileURLToPath } from 'node:url'
import type { TestProcess } from '@budao/testkit'
import type { Stage } from './stage.ts'

/** One process of `origin.ts`. */
export interface Origin {
  readonly process: TestProcess
  readonly address: string
}

/** What `/stats` of an origin says. */
export interface OriginStats {
  readonly inFlight: number
  readonly answered: number
  /** The other side went away before the answer was complete. */
  readonly aborted: number
}

export async function startOrigins(stage: Stage, names: readonly string[]): Promise<Origin[]> {
  const file = fileURLToPath(new URL('origin.ts', import.meta.url))
  return Promise.all(
    names.map(async (name) => {
      const started = stage.startNode(`origin ${name}`, [file, name])
      const port = (await started.waitForOutput(/listening (\d+)/))[1]
      return { process: started, address: `127.0.0.1:${port}` }
    }),
  )
}

export async function originStats(origin: Origin): Promise<OriginStats> {
  const response = await fetch(`http://${origin.address}/stats`, { signal: AbortSignal.timeout(5_000) })
  const stats: OriginStats = JSON.parse(await response.text())
  return stats
}
