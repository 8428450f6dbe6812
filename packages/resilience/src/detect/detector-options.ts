/** How a `Detector` judges. Times in milliseconds. */
export interface DetectorOptions {
  /** literal: the plain heartbeat alone. accelerated: everything else may decide earlier. */
  readonly mode: 'literal' | 'accelerated'
  /** Missed plain heartbeats in a row until down. Default 3. */
  readonly misses: number
  /** Between two beats. Default 500. */
  readonly beatMs: number
  /** Standard deviations beyond which a beat is overdue. Default 5.612, which is phi 8. */
  readonly deviations: number
  /** Silence always allowed on top. Default 400. */
  readonly pauseMs: number
  /** Probes that must all fail. Default 3. */
  readonly probes: number
  /** Between two of them. Default 150. */
  readonly probeEveryMs: number
  /** The same where a kernel has said that the process is gone. Default 100. */
  readonly hardProbeEveryMs: number
  /** Trouble shorter than this is none, unless the process is surely gone. Default 1000. */
  readonly blipMs: number
  /** Good answers in a row until up again. Default 3. */
  readonly rise: number
  /** And well for so long. Default 30 000. */
  readonly stableMs: number
}

/** The defaults: those of `services.<name>.detection`. */
export const detectorOptions: DetectorOptions = {
  mode: 'accelerated',
  misses: 3,
  beatMs: 500,
  deviations: 5.612,
  pauseMs: 400,
  probes: 3,
  probeEveryMs: 150,
  hardProbeEveryMs: 100,
  blipMs: 1000,
  rise: 3,
  stableMs: 30_000,
}
