import type { ServerResponse } from 'node:http'
import type { EventFeed, EventQuery } from './admin-source.ts'

const heartbeatMs = 15_000
const stalledMs = 30_000
const batch = 50

/**
 * Sends events as server-sent events until the client leaves.
 *
 * A reader pulls from the feed instead of having events pushed at it: while its connection is full it falls behind
 * in the feed's memory, which is bounded, and holds at most one batch of its own. What it then misses shows as a
 * gap in the ids. One that takes nothing for 30 s is cut off, and resumes by Last-Event-ID.
 */
export function streamEvents(feed: EventFeed, query: EventQuery, response: ServerResponse): void {
  // A higher number than ours is from before a restart that lost the numbering: begin at the beginning.
  let sent = query.after === undefined || query.after > feed.lastSeq ? 0 : query.after
  if (query.after === undefined) sent = feed.lastSeq
  let stalled: NodeJS.Timeout | undefined

  const write = (text: string): void => {
    if (response.write(text) || stalled !== undefined) return
    stalled = setTimeout(() => response.destroy(), stalledMs)
  }
  const pump = (): void => {
    for (;;) {
      if (stalled !== undefined) return
      const next = feed.list({ ...query, after: sent, limit: batch })
      if (next.length === 0) return
      sent = next.at(-1)!.seq
      write(next.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
    }
  }

  response.on('drain', () => {
    clearTimeout(stalled)
    stalled = undefined
    pump()
  })
  const unsubscribe = feed.subscribe(pump)
  // Finds dead peers, and keeps proxies from closing a quiet stream.
  const heartbeat = setInterval(() => {
    if (stalled === undefined) write(': alive\n\n')
  }, heartbeatMs)
  response.on('close', () => {
    unsubscribe()
    clearInterval(heartbeat)
    clearTimeout(stalled)
  })

  write('retry: 1000\n\n')
  pump()
}
