/** One thing that is looked at before anything is broken. */
export interface ReadinessCheck {
  readonly name:
    | 'last-drill-restored'
    | 'no-blocking-window'
    | 'configuration-in-force'
    | 'site-known'
    | 'all-healthy'
    | 'nothing-drained'
    | 'another-place'
    | 'no-failover-under-way'
    | 'data-fresh'
    | 'targets-found'
  readonly ready: boolean
  /** What was found. */
  readonly found: string
  /** What to do about it; empty where it is ready. */
  readonly todo: string
  /** Whether `--force --reason` overrules it. */
  readonly forceable: boolean
}

/** One finding, with what to do where it is bad. */
export function check(
  name: ReadinessCheck['name'],
  ready: boolean,
  { good, bad, todo }: { readonly good: string; readonly bad: string; readonly todo: string },
  forceable = false,
): ReadinessCheck {
  return { name, ready, found: ready ? good : bad, todo: ready ? '' : todo, forceable }
}
