/** Something that a person should know, as long as it lasts. */
export interface Alarm {
  readonly code: AlarmCode
  /** A site, table or log. */
  readonly subject: string
  readonly message: string
}

/**
 * peer-stands-still: a peer has not said for 5 s that it applied anything, heartbeats included. origin-silent: nothing of a
 * site has arrived for 5 s. stopped: changes are missing. log-full, log-filling, outbox-filling: at the limit, or beyond 80 %
 * of it. degraded: writes are acknowledged without a peer. dead-letters, table-paused: a person is waited for.
 */
export type AlarmCode =
  | 'peer-stands-still'
  | 'origin-silent'
  | 'stopped'
  | 'log-full'
  | 'log-filling'
  | 'outbox-filling'
  | 'degraded'
  | 'dead-letters'
  | 'table-paused'

/** So long a direction may be silent, milliseconds: twenty heartbeats. */
export const silentMsMax = 5000

/** Tells when an alarm begins and ends. */
export class Alarms {
  readonly #onChange: (alarm: Alarm, isOn: boolean) => void
  #on: Map<string, Alarm> = new Map()

  constructor(onChange: (alarm: Alarm, isOn: boolean) => void) {
    this.#onChange = onChange
  }

  get all(): readonly Alarm[] {
    return [...this.#on.values()]
  }

  /** These are what is wrong now. */
  set(alarms: readonly Alarm[]): void {
    const now = new Map(alarms.map((alarm) => [`${alarm.code} ${alarm.subject}`, alarm]))
    for (const [name, alarm] of now) if (!this.#on.has(name)) this.#onChange(alarm, true)
    for (const [name, alarm] of this.#on) if (!now.has(name)) this.#onChange(alarm, false)
    this.#on = now
  }
}
