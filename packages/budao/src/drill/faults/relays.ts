import { CliError } from '../../cli-error.ts'
import type { PacketLoss } from './fault.ts'

type RelayLoss = PacketLoss & { readonly by: 'relay' }

const askMsMax = 5_000

/** Has the relays in front of endpoints hold back what passes, for `forMs` at most. */
export async function cutRelays({ control, endpoints, lost }: RelayLoss, forMs: number): Promise<void> {
  await ask(control, 'PUT', '/cut', { endpoints, lost, forMs: Math.ceil(forMs) })
}

export async function mendRelays({ control }: RelayLoss): Promise<void> {
  await ask(control, 'DELETE', '/cut')
}

/** The addresses that relays stand at. Rejects with CliError where nobody answers. */
export async function relayedEndpoints(control: string): Promise<readonly string[]> {
  return ((await ask(control, 'GET', '/links')) as { endpoints: string[] }).endpoints
}

async function ask(control: string, method: string, path: string, body?: object): Promise<unknown> {
  const url = `http://${control}${path}`
  try {
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'Content-Type': 'application/json' },
      signal: AbortSignal.timeout(askMsMax),
    })
    const answer = (await response.json()) as { message?: string }
    if (response.ok) return answer
    throw new CliError(`${url} answered ${response.status}: ${answer.message ?? 'no reason given'}`)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(`no answer from the relays at ${url}: does \`budao drill relays\` run?`, 1, {
      cause: error,
    })
  }
}
