import type { ProcessReport } from '@budao/model'

/** Text in Prometheus' format 0.0.4. */
export function processMetrics(processes: readonly ProcessReport[]): string {
  const lines: string[] = []
  const family = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    value: (process: ProcessReport) => number | null,
  ): void => {
    lines.push(`# HELP budao_process_${name} ${help}`, `# TYPE budao_process_${name} ${type}`)
    for (const process of processes) {
      const number = value(process)
      if (number !== null) lines.push(`budao_process_${name}{process="${process.name}"} ${number}`)
    }
  }
  family('wanted', 'gauge', '1 while it is to run.', ({ wanted }) => Number(wanted))
  family('up', 'gauge', '1 while it runs and is ready.', ({ state }) => Number(state === 'running'))
  family('crash_loop', 'gauge', '1 while it stays down because it ended too often.', ({ state }) =>
    Number(state === 'crash-loop'),
  )
  family('restarts_total', 'counter', 'Starts after the first.', ({ restarts }) => restarts)
  family('hangs_total', 'counter', 'Times it was killed because it failed its checks.', ({ hangs }) => hangs)
  family('uptime_seconds', 'gauge', 'Since it was started.', ({ upMs }) =>
    upMs === null ? null : upMs / 1_000,
  )
  family('resident_memory_bytes', 'gauge', 'Resident memory.', ({ memoryBytes }) => memoryBytes)
  return `${lines.join('\n')}\n`
}
