import { LogDecoder } from '../../packages/observability/src/store/log-decoder.ts'
import { type LogPlace, readLog } from '../../packages/observability/src/store/segment-reader.ts'

/** The messages of all records in a store, in their order. */
export function bodiesIn(store: string): string[] {
  const bodies: string[] = []
  const decoder = new LogDecoder(store)
  for (let place: LogPlace = { segment: 0, offset: 0 }; ;) {
    const piece = readLog(store, place)
    if (piece === null) return bodies
    for (const { body } of decoder.records(piece)) bodies.push(body)
    place = piece.next
  }
}
