import { byId } from './bars.ts'

const toastMs = 1_500

/** What WeChat lays over pages: a short message, a question. */
export class Overlays {
  #hide: ReturnType<typeof setTimeout> | undefined

  toast({ title, icon = 'success', duration = toastMs }: WechatMiniprogram.ShowToastOption): void {
    const toast = byId('toast')
    toast.textContent = title
    toast.dataset['icon'] = icon
    toast.hidden = false
    clearTimeout(this.#hide)
    if (duration > 0) this.#hide = setTimeout(() => this.hideToast(), duration)
  }

  hideToast(): void {
    clearTimeout(this.#hide)
    byId('toast').hidden = true
  }

  /** Resolves to what was chosen. */
  modal(options: WechatMiniprogram.ShowModalOption): Promise<{ confirm: boolean; cancel: boolean }> {
    const { title = '', content = '', showCancel = true, confirmText = '确定', cancelText = '取消' } = options
    const dialog = byId('modal') as HTMLDialogElement
    dialog.querySelector('h2')!.textContent = title
    dialog.querySelector('p')!.textContent = content
    const [cancel, confirm] = dialog.querySelectorAll('button')
    cancel!.textContent = cancelText
    cancel!.hidden = !showCancel
    confirm!.textContent = confirmText
    dialog.returnValue = ''
    dialog.showModal()
    return new Promise((resolve) => {
      dialog.addEventListener(
        'close',
        () => {
          const isConfirmed = dialog.returnValue === 'confirm'
          resolve({ confirm: isConfirmed, cancel: !isConfirmed })
        },
        { once: true },
      )
    })
  }
}
