import { NodeReader } from './fuzz-node.ts'
import { OwnReader } from './fuzz-own.ts'
import { laxity, type Reading } from './fuzz-readings.ts'
import { RequestStreams } from './fuzz-requests.ts'

/** What a campaign of differential fuzzing has found. */
export interface FuzzReport {
  readonly seed: number
  streams: number
  /** Requests that both readers took whole, in the same way. */
  messages: number
  /** Streams of which both took everything. */
  accepted: number
  /** Streams that both refused at the same request. */
  refused: number
  /** Streams of which ours refused something that Node takes. */
  stricter: number
  /** How often each code was given. */
  readonly codes: Record<string, number>
  /** Streams that ours takes more laxly, or differently when they arrive in pieces; made short, escaped. */
  readonly failures: string[]
}

const BATCH = 64

/**
 * Compares our reader with Node's on `streamsMax` streams, or until `signal` aborts. Stops at the first ten failures. The
 * same seed gives the same streams.
 */
export async function fuzz(seed: number, streamsMax: number, signal?: AbortSignal): Promise<FuzzReport> {
  const report: FuzzReport = {
    seed,
    streams: 0,
    messages: 0,
    accepted: 0,
    refused: 0,
    stricter: 0,
    codes: {},
    failures: [],
  }
  const source = new RequestStreams(seed)
  const node = new NodeReader()
  const own = new OwnReader()
  const stopped = (): boolean => signal?.aborted === true || report.failures.length >= 10
  while (report.streams < streamsMax && !stopped()) {
    const batch = Array.from({ length: Math.min(BATCH, streamsMax - report.streams) }, () => {
      const stream = source.next()
      return { stream, pieces: source.split(stream) }
    })
    const readings = await node.read(batch.map(({ stream }) => stream))
    for (const [index, { stream, pieces }] of batch.entries()) {
      const ours = own.read([stream])
      const inPieces = own.read(pieces)
      if (!equal(ours, inPieces))
        report.failures.push(
          `in pieces ${JSON.stringify(pieces)} it reads otherwise: ${JSON.stringify(ours)} ${JSON.stringify(inPieces)}`,
        )
      if (laxity(ours, readings[index]!) !== null) await examine(stream, node, own, report)
      count(report, ours, readings[index]!)
    }
  }
  return report
}

function count(report: FuzzReport, ours: Reading, nodes: Reading): void {
  report.streams++
  report.messages += ours.messages.filter(({ complete }) => complete).length
  if (ours.end !== 'refused') {
    if (ours.messages.some(({ complete }) => complete)) report.accepted++
    return
  }
  report.codes[ours.code] = (report.codes[ours.code] ?? 0) + 1
  if (nodes.messages.length > ours.messages.length && nodes.messages[ours.messages.length]!.complete)
    report.stricter++
  else if (nodes.end === 'refused') report.refused++
}

/** Only what stays wrong when Node is given all the time it may need is a failure. */
async function examine(stream: string, node: NodeReader, own: OwnReader, report: FuzzReport): Promise<void> {
  const isLax = async (text: string): Promise<string | null> =>
    laxity(own.read([text]), (await node.read([text], true))[0]!)
  if ((await isLax(stream)) === null) return
  let shortest = stream
  for (let length = Math.ceil(stream.length / 2); length >= 1; length = Math.floor(length / 2)) {
    for (let at = 0; at < shortest.length;) {
      const shorter = shortest.slice(0, at) + shortest.slice(at + length)
      if ((await isLax(shorter)) === null) at += length
      else shortest = shorter
    }
  }
  report.failures.push(`${JSON.stringify(shortest)}: ${await isLax(shortest)}`)
}

function equal(a: Reading, b: Reading): boolean {
  // Which of two faults in one head is met first may depend on the pieces; that it is refused may not.
  return a.end === b.end && JSON.stringify(a.messages) === JSON.stringify(b.messages)
}
