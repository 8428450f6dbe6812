/** How a group of nodes keeps time. */
export interface VrrpTiming {
  /** 2: RFC 3768, adverts in whole seconds. 3: RFC 5798, in hundredths. */
  readonly version: 2 | 3
  /** Between two adverts of the master, milliseconds. */
  readonly advertMs: number
  /** Adverts that may be missed. Default 3. */
  readonly downAdverts?: number
}

/** How much longer than others a backup of this priority waits, milliseconds: the best one is the first to move. */
export function skewMs(priority: number, { version, advertMs }: VrrpTiming): number {
  return ((256 - priority) / 256) * (version === 3 ? advertMs : 1_000)
}

/** Without an advert for so long a backup takes over, milliseconds. */
export function masterDownMs(priority: number, timing: VrrpTiming): number {
  return (timing.downAdverts ?? 3) * timing.advertMs + skewMs(priority, timing)
}
