/** A process that the agent of this node starts and keeps running. Durations in milliseconds. */
export interface ProcessConfig {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[]
  /** Working folder, relative to the configuration file. Absent: the folder of that file. */
  readonly cwd?: string
  /** Added to the agent’s own environment. */
  readonly env: Readonly<Record<string, string>>
  /** Whom it runs as; only an agent that runs as root can choose. Absent: as the agent. */
  readonly user?: string
  /** The service that it serves at this site: its end is hard evidence for whoever observes that. */
  readonly service?: string
  /** `host:port` where it serves. */
  readonly address?: string
  /** Its `node.name`, where it is a gateway of Budao: when it has ended, the agent may say so of its leases. */
  readonly node?: string
  /** Processes that must be ready before it is started; they are stopped after it. */
  readonly after: readonly string[]
  /** Not started until somebody says so: a person, or a controller that moves the service here. Default false. */
  readonly standby: boolean
  readonly restart: RestartConfig
  /** Absent: it counts as ready once it has started, and only its end is noticed. */
  readonly health?: ProcessHealthConfig
  readonly stop: ProcessStopConfig
  /** What it writes: into files of its own, or `passed` on to where the agent writes. */
  readonly output: ProcessOutputConfig | 'passed'
  /** Resident memory beyond which it is stopped and started again, bytes. Absent: no limit. */
  readonly memoryMax?: number
}

/** When a process that has ended is started again. */
export interface RestartConfig {
  /** The first wait; it doubles with each end in a row. Default 100. */
  readonly min: number
  /** The longest wait. Default 30 000. */
  readonly max: number
  /** Who lived so long begins with the first wait again. Default 30 000. */
  readonly stable: number
  /** So many restarts within `window` are allowed; one more end is a crash loop. 0: there is none. Default 10. */
  readonly limit: number
  /** Default 300 000. */
  readonly window: number
}

/** How it is found out whether a process hangs. */
export interface ProcessHealthConfig {
  readonly type: 'http' | 'tcp' | 'exec'
  /** With http and tcp. Absent: that of the process. */
  readonly address?: string
  /** With http. Default `/`. */
  readonly path: string
  /** With exec: a program that exits with 0 when all is well. */
  readonly command?: readonly string[]
  /** Default 1000. */
  readonly interval: number
  /** At most `interval`. Default 500, or `interval` if that is shorter. */
  readonly timeout: number
  /** Failed checks in a row until it is killed. Default 3. */
  readonly unhealthyAfter: number
  /** Until the first check must have passed. Default 60 000. */
  readonly startTimeout: number
}

/** How a process is ended. */
export interface ProcessStopConfig {
  readonly signal: ProcessSignal
  /** From the signal until SIGKILL. Default 10 000. */
  readonly grace: number
}

/** Signals that ask a process to end. */
export type ProcessSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2'

/** Files of what a process writes: `NAME.log` in `dataDir/processes`, and older ones `NAME.log.1`, … */
export interface ProcessOutputConfig {
  /** A file is put aside when it has grown to so many bytes. Default 10 MiB. */
  readonly fileBytes: number
  /** How many are kept, the current one included. Default 5. */
  readonly files: number
}
