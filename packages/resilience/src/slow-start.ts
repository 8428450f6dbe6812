/** How a newcomer’s weight grows. */
export interface SlowStartOptions {
  /** How long an endpoint that came back takes to its full weight, milliseconds. */
  readonly windowMs: number
  /** Share of the weight at the start, 0 to 100. Default 10. */
  readonly minWeightPercent?: number
  /** 1 grows linearly, more grows faster at first. Default 1. */
  readonly aggression?: number
}

/**
 * Factor for the weight of an endpoint that has been back for `elapsedMs`: from `minWeightPercent` to 1, as
 * max(min, (elapsed / window)^(1 / aggression)), Envoy's formula. 1 from the end of the window on.
 */
export function slowStartFactor(elapsedMs: number, options: SlowStartOptions): number {
  const { windowMs, minWeightPercent = 10, aggression = 1 } = options
  if (elapsedMs >= windowMs) return 1
  const grown = Math.max(0, elapsedMs / windowMs) ** (1 / aggression)
  return Math.max(minWeightPercent / 100, grown)
}
