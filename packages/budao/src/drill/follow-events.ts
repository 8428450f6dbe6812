import { CliError } from '../cli-error.ts'

/** One server-sent event. */
export interface ServerSentEvent {
  /** `message` where it has no name. */
  readonly event: string
  readonly data: string
}

/** Follows server-sent events. Rejects with CliError when there are none; ends with the connection or with `signal`. */
export async function followEvents(
  url: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<ServerSentEvent>> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    throw new CliError(`no answer from ${url}: is it running?`, 1, { cause: error })
  })
  if (!response.ok) throw new CliError(`${url} answered ${response.status}: ${await response.text()}`)
  return read(response.body!, signal)
}

async function* read(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true })
      const whole = text.split('\n\n')
      text = whole.pop()!
      for (const block of whole) {
        const event = parse(block)
        if (event !== null) yield event
      }
    }
  } catch (error) {
    if (!signal.aborted) throw new CliError('the connection broke', 1, { cause: error })
  }
}

function parse(block: string): ServerSentEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7)
    else if (line.startsWith('data: ')) data.push(line.slice(6))
  }
  return data.length === 0 ? null : { event, data: data.join('\n') }
}
