/** Who answers the phone just now, as the bar at the top of every page shows it. */
export interface Answering {
  /**
   * connecting   nothing is known yet
   * answered     by `channel`, with data of `site`
   * sites-gone   `channel` answers, but has no site to ask
   * unreachable  no channel gave an answer
   * offline      the phone has no network
   */
  readonly state: 'connecting' | 'answered' | 'sites-gone' | 'unreachable' | 'offline'
  readonly channel: string
  readonly site: string
  /** The channel that answered before, where another one does now; else empty. */
  readonly left: string
}

type Listener = (answering: Answering) => void

const listeners = new Set<Listener>()
let current: Answering = { state: 'connecting', channel: '', site: '', left: '' }

/** Tells the listener now and after each change, until the function it returns is called. */
export function watchAnswering(listener: Listener): () => void {
  listeners.add(listener)
  listener(current)
  return () => void listeners.delete(listener)
}

/** How long a switch is pointed out. */
const pointedOutMs = 20_000
let leftAt = 0

export function answeredBy(channel: string, site: string): void {
  const now = Date.now()
  let { left } = current
  if (current.channel !== '' && current.channel !== channel) {
    left = current.channel
    leftAt = now
  } else if (now - leftAt > pointedOutMs) left = ''
  tell({ state: 'answered', channel, site, left })
}

/** A gateway answered with what it keeps, or with regrets. */
export function sitesGone(channel: string): void {
  tell({ state: 'sites-gone', channel, site: '', left: '' })
}

export function nobodyAnswered(): void {
  if (current.state !== 'offline') tell({ ...current, state: 'unreachable' })
}

export function networkIs(isConnected: boolean): void {
  if (!isConnected) tell({ ...current, state: 'offline' })
  else if (current.state === 'offline') tell({ ...current, state: 'connecting' })
}

function tell(next: Answering): void {
  const isSame = (Object.keys(next) as (keyof Answering)[]).every((key) => next[key] === current[key])
  if (isSame) return
  current = next
  for (const listener of listeners) listener(next)
}
