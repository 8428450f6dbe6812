import type { Config, LogRecord } from '@budao/model'
import type { LogNumber, LogNumbers } from '@budao/observability'
import type { LogsRole } from '../logs/logs-role.ts'

const stable = 'stable'

/** Numbers of logs that rollouts are judged by: counted from when a configuration comes into force, in every process that collects logs. */
export class LogNumbersRole {
  readonly #logs: () => LogsRole | null
  #numbers: LogNumbers | null = null
  #wanted = ''

  /** `logs`: what collects them, once it is there. */
  constructor(logs: () => LogsRole | null) {
    this.#logs = logs
  }

  /** What is asked the same way as before is counted on. */
  async apply({ rollouts }: Pick<Config, 'rollouts'>): Promise<void> {
    const wanted = Object.entries(rollouts).flatMap(([rollout, { release, analysis }]) =>
      Object.entries(analysis).flatMap(([name, { log, ofStable }]) =>
        log === undefined
          ? []
          : [release, ...(ofStable === undefined ? [] : [stable])].map((of) => ({
              key: keyOf(rollout, name, of),
              text: log.replaceAll('$release', of),
            })),
      ),
    )
    const written = JSON.stringify(wanted)
    if (written === this.#wanted) return
    this.#wanted = written
    if (wanted.length === 0) return this.close()
    const { LogNumbers } = await import('@budao/observability')
    const numbers = new LogNumbers(wanted, performance.now())
    this.#numbers = numbers
    this.#logs()?.watch('rollouts', numbers.filters, (records: readonly LogRecord[]) =>
      numbers.take(records, performance.now()),
    )
  }

  ask(rollout: string, analysis: string, release: string): LogNumber {
    return (
      this.#numbers?.ask(keyOf(rollout, analysis, release), performance.now()) ?? {
        value: null,
        why: 'no logs are collected here',
      }
    )
  }

  close(): void {
    this.#numbers = null
    this.#logs()?.watch('rollouts', [], () => {})
  }
}

function keyOf(rollout: string, analysis: string, release: string): string {
  return `${rollout}/${analysis}/${release}`
}
