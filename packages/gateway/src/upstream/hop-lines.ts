import type { Caller } from './caller.ts'
import type { DataPlane } from '../threads/data-plane.ts'

/**
 * What one attempt tells the next hop about itself: how long its answer is awaited, and that something may have been done
 * already. Header lines with their line ends; nearly always none.
 *
 * `announces`: the time is told also where the client did not say any.
 */
export function hopLines(caller: Caller, repeats: boolean, announces: boolean, plane: DataPlane): string {
  const { terms } = caller
  let lines = ''
  if (announces || terms.deadlineAt !== Infinity) {
    const leftMs = Math.floor(caller.deadlineAt - plane.clock.now())
    lines = `X-Budao-Timeout: ${Math.max(0, leftMs)}\r\n`
  }
  if (repeats || terms.attemptedBy === 'gateway') lines += 'X-Budao-Attempt: 2\r\n'
  return lines
}
