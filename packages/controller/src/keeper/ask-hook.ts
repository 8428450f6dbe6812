import type { AskData } from './asked-data.ts'

/** More than any answer needs. */
const answerBytesMax = 64 * 1024

/** Posts questions as JSON to a URL, with a bearer token where one is given; the answer is 200 with JSON. */
export function askHook(url: string, token?: string): AskData {
  return async (question, timeoutMs) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    const text = await read(answer)
    if (answer.status !== 200)
      throw new Error(`${url} answered ${answer.status}, expected 200: ${text.slice(0, 200)}`)
    return text
  }
}

async function read(answer: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of answer.body ?? []) {
    bytes += part.length
    if (bytes > answerBytesMax) throw new Error(`the answer has more than ${answerBytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
