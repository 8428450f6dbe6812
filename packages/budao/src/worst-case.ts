import type { Config, WorstCase } from '@budao/model'
import { detectionDefaults, detectionWorstCase } from '@budao/model'
import { formatTable } from './output.ts'

/** How late one service’s dead site may be noticed, and another one serve. */
export interface ServiceWorstCase {
  readonly service: string
  readonly mode: 'literal' | 'accelerated'
  readonly budgetMs: number
  readonly faults: readonly WorstCase[]
}

/** The worst cases of all services that say something of detection, objectives or failover. */
export function worstCases({ services }: Config): readonly ServiceWorstCase[] {
  return Object.entries(services)
    .filter(([, { detection, objectives, failover }]) => detection ?? objectives ?? failover)
    .map(([service, { detection = detectionDefaults, failover }]) => ({
      service,
      mode: detection.mode,
      budgetMs: detection.budget,
      faults: detectionWorstCase(detection, failover),
    }))
}

/** The same as a table; none where there is nothing to say. */
export function worstCaseLines(cases: readonly ServiceWorstCase[]): readonly string[] {
  if (cases.length === 0) return []
  const rows = cases.flatMap(({ service, mode, faults }) =>
    faults.map(({ fault, suspectMs, downMs, servingMs }) => [
      service,
      mode,
      fault.replace('-', ' '),
      `${suspectMs} ms`,
      `${downMs} ms`,
      servingMs === null ? '–' : `${servingMs} ms`,
    ]),
  )
  const titles = ['SERVICE', 'DETECTION', 'SITE IS', 'SUSPECT', 'DOWN', 'ELSEWHERE']
  return [
    'At the latest after a fault, where a round trip takes less than 50 ms:',
    formatTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  ]
}
