import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CliError } from '../cli-error.ts'

const startMsMax = 20_000

/** Watches over a drill, and takes its fault back should the drill be killed or overdue. */
export interface Guard {
  /** The fault is taken back: it may go. */
  dismiss(): void
}

/**
 * A process of its own, in a group of its own so that Ctrl-C does not reach it. It holds one end of a pipe: however the drill
 * ends, the system closes the other one. Resolves when it watches. Rejects with CliError when it cannot.
 */
export async function startGuard(folder: string, forMs: number, token?: string): Promise<Guard> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`./guard-process.${extension}`, import.meta.url))
  const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'))
  const child = spawn(process.execPath, [...flags, program, folder, String(Math.ceil(forMs))], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(token === undefined ? {} : { env: { ...process.env, BUDAO_TOKEN: token } }),
  })
  child.stdin.on('error', () => {})
  const timer = setTimeout(() => child.kill('SIGKILL'), startMsMax)
  const watching = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
    once(child, 'error').then(() => false),
  ])
  clearTimeout(timer)
  if (!watching)
    throw new CliError('the guard that restores after a crash could not be started: nothing was broken')
  child.unref()
  child.stdout.destroy()
  return {
    dismiss() {
      child.stdin.end('done')
    },
  }
}
