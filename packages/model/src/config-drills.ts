/** What can be failed on purpose. `docs/reference/drills.md` says what each needs and does. */
export const drillScenarios = [
  'process-kill',
  'hang',
  'site-loss',
  'black-hole',
  'one-way-partition',
  'slow-backend',
  'controller-loss',
  'leader-loss',
  'control-partition',
  'control-one-way',
  'dns-loss',
] as const

/** One of `drillScenarios`. */
export type DrillScenario = (typeof drillScenarios)[number]

/** What a drill was: one of `drillScenarios`, or of a release, which happens to no site. */
export type DrillName = DrillScenario | 'bad-release'

/** As in `days`, the first of the week first. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** One of `weekdays`. */
export type Weekday = (typeof weekdays)[number]

/** How things are failed on purpose, when, and when not. Times in milliseconds. */
export interface DrillsConfig {
  /** Of all days and times of drills. Default UTC. */
  readonly timezone: string
  /** When no drill begins, by hand or by itself. */
  readonly blockWindows: readonly BlockWindowConfig[]
  readonly abort: DrillAbortConfig
  /** Absent: drills only read. */
  readonly writes?: DrillWritesConfig
  /** Absent: packets are lost by rules of the kernel. */
  readonly relays?: RelaysConfig
  /** A file with one `PID name` a line: what `controller-loss` kills, and of which `leader-loss` kills the one that leads. */
  readonly controllersPidFile?: string
  /** Whether drills may cut this node’s links with other nodes. Default false: nobody may, whatever token they have. */
  readonly controlLinks: boolean
  /** Whether a drill that has moved units away asks for failback once the site is whole again. Default false. */
  readonly failback: boolean
  /** Which gateway is drilled where this process is none: its admin address, and where users reach it. Absent: this one. */
  readonly gateway?: { readonly admin: string; readonly url: string }
  /** `host:port` with an IP address: other DNS servers for the same names, which `dns-loss` asks too. */
  readonly dnsServers: readonly string[]
  /** Drills that begin by themselves. */
  readonly schedule: readonly DrillScheduleConfig[]
}

/** A time in which no drill begins: when all that is given holds. */
export interface BlockWindowConfig {
  /** Why, for people. */
  readonly reason?: string
  /** First and last day, both included. */
  readonly dates?: { readonly from: string; readonly to: string }
  readonly days?: readonly Weekday[]
  /** From, included, until, not; over midnight where `from` is later than `to`. */
  readonly times?: { readonly from: string; readonly to: string }
}

/** When a drill is broken off and its fault taken back. */
export interface DrillAbortConfig {
  /** Share of failed requests, of the drill or of all users, percent. Default 50. */
  readonly failedPercent: number
  /** The time it is taken over. Default 10 000. */
  readonly over: number
}

/** Writes that a drill sends beside its reads. `{id}` stands for the write's own id. */
export interface DrillWritesConfig {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Writes a second. Default 20. */
  readonly rate: number
  /** How an acknowledged write is found again. Absent: nobody looks. */
  readonly readBack?: DrillReadBackConfig
}

/** A GET whose answer holds the write. `{id}` as in the write. */
export interface DrillReadBackConfig {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Text of the answer that is only there when the write is. */
  readonly contains: string
}

/** Relays between this gateway and endpoints, which can hold back what passes; `budao drill relays` runs them. */
export interface RelaysConfig {
  /** Where they are told what to do; loopback only. */
  readonly control: string
  readonly links: readonly RelayLinkConfig[]
}

/** One relay: the address that the configuration names as an endpoint, and the endpoint. */
export interface RelayLinkConfig {
  readonly listen: string
  readonly to: string
}

/** A drill that begins by itself. */
export interface DrillScheduleConfig {
  readonly name: string
  readonly scenario: DrillScenario
  readonly site: string
  /** Absent: every day. */
  readonly days?: readonly Weekday[]
  /** Days of the month, 1 to 28. Absent: every one. */
  readonly monthDays?: readonly number[]
  /** `HH:MM`. */
  readonly at: string
  /** How long the fault lasts. Default 6000. */
  readonly faultFor: number
  /** How long the load lasts. Default 20 000. */
  readonly duration: number
  /** Reads a second. Default 50. */
  readonly rate: number
  /** What is read. Default `/`. */
  readonly path: string
  /** Addresses that get the result as JSON. */
  readonly notify: readonly string[]
}
