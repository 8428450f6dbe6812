import {
  type ChangeEvent,
  type LogEntry,
  type RefusedChange,
  refusedTextMax,
  type Transaction,
} from '@budao/model'
import { parseChangeEvent } from '@budao/model/parser'
import { eventHash } from '../event-hash.ts'

/** A transaction as text: an event a line. JSON has no line breaks of its own. */
export function writeTransaction(events: Transaction): string {
  return events.length === 1
    ? JSON.stringify(events[0])
    : events.map((each) => JSON.stringify(each)).join('\n')
}

/** An entry of such a text. What is no event, or was changed on its way, is kept aside with the reason. */
export function readTransaction(offset: number, text: string): LogEntry {
  const events: ChangeEvent[] = []
  const refused: RefusedChange[] = []
  for (const line of text.split('\n')) {
    const parsed = parseChangeEvent(line)
    if (!parsed.ok) {
      const { reason, detail } = parsed
      refused.push({ reason, detail, text: line.slice(0, refusedTextMax) })
    } else if (parsed.event.hash !== eventHash(parsed.event)) {
      const detail = `expected hash ${eventHash(parsed.event)} of its content, found ${parsed.event.hash}`
      refused.push({ reason: 'hash-differs', detail, text: line.slice(0, refusedTextMax) })
    } else events.push(parsed.event)
  }
  return refused.length === 0 ? { offset, events } : { offset, events, refused }
}
