import type { TrialWorld } from '@budao/testkit'

/** Between two falls of one site: shorter, and its flap penalty grows beyond what it may have to be used again. */
const fallsApartMs = 48_000
/** How long a trial takes, about. */
const trialMs = 6_000

/**
 * Worlds of one contender that take turns: between two moves by itself there are ten seconds, and a site that falls each half minute
 * is soon not used any more, so one world alone would mostly be waited for.
 */
export class WorldPool {
  readonly #make: () => TrialWorld
  readonly #worlds: TrialWorld[]
  #turn = 0

  constructor(make: () => TrialWorld, size: number) {
    this.#make = make
    this.#worlds = Array.from({ length: size }, make)
  }

  next(): TrialWorld {
    return this.#worlds[this.#turn++ % this.#worlds.length]!
  }

  /** Another one takes the place of a world that came to nothing, whose processes are ended. */
  async replace(world: TrialWorld): Promise<void> {
    await world.stopLoad()
    await Promise.all(Object.values(world.machines).map((machine) => machine.kill()))
    this.#worlds[this.#worlds.indexOf(world)] = this.#make()
  }
}

/** So many that the trials of all other contenders in between are time enough: a site of a world falls every second time that the world is used. */
export function poolSize(contenders: number): number {
  return Math.max(1, Math.ceil(fallsApartMs / (2 * trialMs * contenders)))
}
