import type { LogsReport } from '@budao/model'

type Samples = readonly (readonly [labels: string, value: number])[]

/** Prometheus text of how logs go. */
export function logsMetrics({ intake, sinks }: LogsReport): string {
  const text: string[] = []
  const family = (name: string, type: 'counter' | 'gauge', help: string, samples: Samples): void => {
    text.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of samples) text.push(`${name}${labels} ${value}`)
  }
  const one = (value: number): Samples => [['', value]]
  if (intake !== null) {
    family('budao_logs_records_total', 'counter', 'Log records appended.', one(intake.lines))
    family('budao_logs_read_bytes_total', 'counter', 'Bytes of log files read.', one(intake.bytes))
    family('budao_logs_truncated_lines_total', 'counter', 'Log lines that were cut.', one(intake.truncated))
    family(
      'budao_logs_damaged_lines_total',
      'counter',
      'Log lines with bytes not of their encoding.',
      one(intake.damaged),
    )
    family(
      'budao_logs_failed_appends_total',
      'counter',
      'Appends that the disk did not take.',
      one(intake.failed),
    )
    family(
      'budao_logs_dropped_bytes_total',
      'counter',
      'Bytes that went before every sink had them.',
      one(intake.droppedBytes),
    )
    family(
      'budao_logs_unwatched_records_total',
      'counter',
      'Records that rules did not see, for they were too many.',
      one(intake.unwatched),
    )
    family(
      'budao_logs_truncations_total',
      'counter',
      'Log files that were truncated.',
      one(intake.truncations),
    )
    family('budao_logs_open_files', 'gauge', 'Log files open now.', one(intake.files))
    family(
      'budao_logs_waiting_files',
      'gauge',
      'Log files beyond the most that are open.',
      one(intake.waiting),
    )
    family(
      'budao_logs_unreadable_files',
      'gauge',
      'Log files that cannot be opened or read.',
      one(intake.unreadable),
    )
    family('budao_logs_store_bytes', 'gauge', 'Bytes of the log store.', one(intake.storeBytes))
    family('budao_logs_blocked', 'gauge', '1 while logs are not read.', one(intake.problem === null ? 0 : 1))
  }
  if (sinks.length > 0) {
    const each = (value: (sink: (typeof sinks)[number]) => number): Samples =>
      sinks.map((sink) => [`{sink="${sink.name}"}`, value(sink)])
    family(
      'budao_logs_sink_sent_total',
      'counter',
      'Log records a sink has taken.',
      each(({ sent }) => sent),
    )
    family(
      'budao_logs_sink_refused_total',
      'counter',
      'Log records a sink will never take.',
      each(({ refused }) => refused),
    )
    family(
      'budao_logs_sink_retries_total',
      'counter',
      'Requests to a sink that were repeated.',
      each(({ retries }) => retries),
    )
    family(
      'budao_logs_sink_away',
      'gauge',
      '1 while a sink takes nothing.',
      each(({ problem }) => (problem === null ? 0 : 1)),
    )
  }
  return text.length === 0 ? '' : `${text.join('\n')}\n`
}
