import type { ReplicationAlarm as Alarm } from '@budao/model'

export type { ReplicationAlarm as Alarm } from '@budao/model'

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
