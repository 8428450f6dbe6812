import { WxError } from './settle.ts'

const prefix = 'wx:'
/** WeChat's own limits: characters of one value, and of all together. */
const valueMax = 1024 * 1024
const totalMax = 10 * 1024 * 1024

/** The mini program's storage: values of any kind, kept in the browser's `localStorage`. */
export class WxStorage {
  get(key: string): unknown {
    const text = localStorage.getItem(prefix + key)
    if (text === null) throw new WxError('data not found')
    return (JSON.parse(text) as { data: unknown }).data
  }

  set(key: string, data: unknown): void {
    const text = JSON.stringify({ data })
    if (text.length > valueMax) throw new WxError('exceed max item size 1Mb')
    const before = localStorage.getItem(prefix + key)?.length ?? 0
    if (this.#size() - before + text.length > totalMax) throw new WxError('exceed storage max size 10Mb')
    try {
      localStorage.setItem(prefix + key, text)
    } catch {
      // Browsers have less room than phones.
      throw new WxError('exceed storage max size 10Mb')
    }
  }

  remove(key: string): void {
    localStorage.removeItem(prefix + key)
  }

  clear(): void {
    for (const key of this.keys()) this.remove(key)
  }

  keys(): string[] {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
  }

  info(): WechatMiniprogram.GetStorageInfoSyncOption {
    return { keys: this.keys(), currentSize: Math.ceil(this.#size() / 1024), limitSize: totalMax / 1024 }
  }

  #size(): number {
    return this.keys().reduce((sum, key) => sum + localStorage.getItem(prefix + key)!.length, 0)
  }
}
