const thresholdPx = 60
const heldPx = 56

/** Pulling a page down to renew it: by finger, by mouse, or by `wx.startPullDownRefresh`. */
export class PullDown {
  readonly #page: HTMLElement
  readonly #onRefresh: () => void
  #from: number | undefined
  #busy = false

  constructor(page: HTMLElement, enabled: boolean, onRefresh: () => void) {
    this.#page = page
    this.#onRefresh = onRefresh
    if (!enabled) return
    page.addEventListener('pointerdown', (event) => {
      if (page.scrollTop <= 0 && !this.#busy) this.#from = event.clientY
    })
    page.addEventListener('pointermove', (event) => {
      if (this.#from !== undefined) this.#pull(Math.max(0, event.clientY - this.#from) / 2)
    })
    for (const end of ['pointerup', 'pointercancel', 'pointerleave'])
      page.addEventListener(end, (event) => {
        if (this.#from === undefined) return
        const pulled = ((event as PointerEvent).clientY - this.#from) / 2
        this.#from = undefined
        if (pulled >= thresholdPx) this.start()
        else this.#pull(0)
      })
  }

  start(): void {
    if (this.#busy) return
    this.#busy = true
    this.#page.parentElement!.toggleAttribute('data-refreshing', true)
    this.#pull(heldPx)
    this.#onRefresh()
  }

  stop(): void {
    this.#busy = false
    this.#page.parentElement!.removeAttribute('data-refreshing')
    this.#pull(0)
  }

  #pull(px: number): void {
    this.#page.style.setProperty('--pulled', `${Math.min(px, 2 * heldPx)}px`)
  }
}
