import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, TrialWorld } from '@budao/testkit'

const bucketMs = 100
const outputLines = 400

/** Writes down what happened in a trial: what came of requests from tenth to tenth of a second, and what every program said. Returns the file. */
export function keepStory(
  folder: string,
  name: string,
  world: TrialWorld,
  result: { readonly failedAt: number },
): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.txt`)
  writeFileSync(
    file,
    [
      JSON.stringify(result, null, 2),
      'milliseconds since the fault: outcomes of the requests that were sent then',
      ...timeline(world.attempts, result.failedAt),
      world.story(outputLines),
    ].join('\n'),
  )
  return file
}

function timeline(attempts: readonly Attempt[], at: number): string[] {
  const buckets = Map.groupBy(attempts, ({ sentAt }) => Math.floor((sentAt - at) / bucketMs) * bucketMs)
  return [...buckets]
    .toSorted(([a], [b]) => a - b)
    .filter(([from]) => from >= -500)
    .map(([from, sent]) => {
      const outcomes = Map.groupBy(
        sent,
        ({ kind, via, status, epoch, site, error }) =>
          `${kind} via ${via} ${status === 200 ? `${site} ${epoch}` : error.slice(0, 80) || status}`,
      )
      const told = [...outcomes].map(
        ([outcome, each]) =>
          `${outcome} ×${each.length} (${Math.round(Math.max(...each.map(({ sentAt, doneAt }) => doneAt - sentAt)))} ms)`,
      )
      return `${String(from).padStart(6)}  ${told.join(' | ')}`
    })
}
