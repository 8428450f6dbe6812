import type { Machine, SeededDraws, TrialWorld } from '@budao/testkit'

const places = ['east', 'east', 'west', 'west', 'witness'] as const
const faultsMax = 3

/**
 * Something that breaks at one place, `fromMs` after the clients have begun, for `forMs`.
 * kill    SIGKILL, and started again at the end
 * freeze  SIGSTOP, and SIGCONT at the end
 * both, in, out: packets are dropped, in these directions
 */
export interface RandomFault {
  readonly place: (typeof places)[number]
  readonly what: 'kill' | 'freeze' | 'both' | 'in' | 'out'
  /** Programs there; all of them where it is empty. */
  readonly programs: readonly string[]
  readonly fromMs: number
  readonly forMs: number
}

/** One to three faults, which may overlap, at one place or several. */
export function drawFaults(
  draws: SeededDraws,
  programsOf: (place: string) => readonly string[],
): RandomFault[] {
  return Array.from({ length: draws.integer(1, faultsMax) }, (): RandomFault => {
    const place = draws.pick(places)
    const what = draws.pick(['kill', 'kill', 'freeze', 'freeze', 'both', 'in', 'out'] as const)
    const programs = draws.chance(0.5) ? [] : [draws.pick(programsOf(place))]
    const forMs = draws.chance(0.3)
      ? draws.integer(200, 2_000)
      : draws.integer(2_000, draws.chance(0.2) ? 30_000 : 9_000)
    return { place, what, programs, fromMs: draws.integer(0, 5_000), forMs }
  }).toSorted((a, b) => a.fromMs - b.fromMs)
}

export function describeFault({ place, what, programs, fromMs, forMs }: RandomFault): string {
  const cut = what === 'kill' || what === 'freeze' ? '' : ' cut'
  const which = cut === '' ? ` ${programs.length === 0 ? 'all' : programs.join(', ')}` : ''
  return `${fromMs}–${fromMs + forMs} ms ${what}${cut}${which} of ${place}`
}

export async function begin(world: TrialWorld, { place, what, programs }: RandomFault): Promise<void> {
  const machine = world.machines[place]
  const names = chosen(machine, programs)
  if (what === 'kill') await machine.kill(names)
  else if (what === 'freeze') machine.freeze(names)
  else machine.cut(what)
}

/** Of several faults at one place the first that ends is the last that is felt of them: what is started finds the others gone too. */
export function end(world: TrialWorld, { place, what, programs }: RandomFault): void {
  const machine = world.machines[place]
  if (what === 'kill') machine.restart(chosen(machine, programs))
  else if (what === 'freeze') machine.thaw(chosen(machine, programs))
  else machine.heal()
}

function chosen(machine: Machine, programs: readonly string[]): readonly string[] {
  return programs.length === 0 ? machine.names : programs
}
