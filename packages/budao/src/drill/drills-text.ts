import type { DrillsReport, ScheduledDrillReport } from '@budao/model'
import type { Paint } from '../output.ts'

/** What status says of drills; empty where nothing is planned and nothing is open. */
export function formatDrills(drills: DrillsReport | null, paint: Paint, width: number): string {
  if (drills === null) return ''
  const { open, schedule } = drills
  return [
    ...(open === null
      ? []
      : [
          open.running
            ? paint('yellow', cut(`drill ${open.id} is running`, width))
            : paint(
                'red',
                cut(`drill ${open.id} was broken off and not restored: budao drill restore`, width),
              ),
        ]),
    ...schedule.map((drill) => cut(line(drill), width)),
  ].join('\n')
}

function line({ name, scenario, site, nextLocal, blocked, last }: ScheduledDrillReport): string {
  const next = nextLocal === null ? 'never' : `${nextLocal}${blocked ? ' (blocked: will be skipped)' : ''}`
  const before = last === null ? '' : `; last ${last.outcome}`
  return `drill ${name} (${scenario} of ${site}): ${next}${before}`
}

function cut(text: string, width: number): string {
  const letters = Array.from(text)
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`
}
