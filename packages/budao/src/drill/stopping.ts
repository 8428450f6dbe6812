/** Asks a running drill to end: its fault is taken back, and what was measured is reported. */
export interface Stopping extends Disposable {
  readonly signal: AbortSignal
}

/** By Ctrl-C and what else ends a process. The second time ends it at once; the guard then takes the fault back. */
export function stoppedBySignals(say: (line: string) => void): Stopping {
  const controller = new AbortController()
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1)
    say(`${name}: taking back what was broken`)
    controller.abort()
  }
  for (const name of names) process.on(name, stop)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, stop)
    },
  }
}
