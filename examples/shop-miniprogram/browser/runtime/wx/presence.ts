/** Whether the mini program is in front. A browser's tab that is hidden is a mini program in the background. */
export class Presence {
  readonly #shown: Set<() => void> = new Set()
  readonly #hidden: Set<() => void> = new Set()
  #inFront = document.visibilityState === 'visible'
  #pretendsAway = false

  constructor() {
    document.addEventListener('visibilitychange', () => this.#look())
  }

  get inFront(): boolean {
    return this.#inFront
  }

  pretendAway(away: boolean): void {
    this.#pretendsAway = away
    this.#look()
  }

  onShow(listener: () => void): void {
    this.#shown.add(listener)
  }

  onHide(listener: () => void): void {
    this.#hidden.add(listener)
  }

  #look(): void {
    const inFront = document.visibilityState === 'visible' && !this.#pretendsAway
    if (inFront === this.#inFront) return
    this.#inFront = inFront
    for (const listener of inFront ? this.#shown : this.#hidden) listener()
  }
}
