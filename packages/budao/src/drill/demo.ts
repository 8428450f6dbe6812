import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CliError } from '../cli-error.ts'

/** The demo shop, running on free ports with its state in a folder of its own. */
export interface Demo extends AsyncDisposable {
  /** Configuration files of its gateways, the first site's first. */
  readonly configs: readonly string[]
}

/**
 * Starts the demo of this checkout, and resolves once it serves. Disposing ends it and removes its folder; so does the end of this
 * process, however that comes. Throws CliError when there is no checkout around, or the demo does not start.
 */
export async function startDemo(): Promise<Demo> {
  const script = fileURLToPath(new URL('../../../../examples/shop/start.ts', import.meta.url))
  if (!existsSync(script)) {
    throw new CliError('--demo needs a checkout of Budao: the package does not carry the demo shop', 2)
  }
  const child = fork(script, ['--port-base', 'auto', '--temporary', '--relays', '--phones', '10'], {
    execArgv: ['--conditions=@budao/source'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)))
  }
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  const first = await Promise.race([once(child, 'message'), ended.then(() => null)])
  if (first === null) {
    await stop()
    throw new CliError(`the demo did not start:\n${output.trim()}`)
  }
  const [{ configs }] = first as [{ configs: string[] }]
  return { configs, [Symbol.asyncDispose]: stop }
}
