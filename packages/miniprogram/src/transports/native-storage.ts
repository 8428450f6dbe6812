import type { Storage } from '../storage.ts'

/** The part of `wx`, `tt` or `uni` that keeps things. */
export interface NativeStorageHost {
  // As with `request`: each platform types its options in its own way.
  // oxlint-disable-next-line typescript/no-explicit-any
  getStorage(options: any): unknown
  // oxlint-disable-next-line typescript/no-explicit-any
  setStorage(options: any): unknown
  // oxlint-disable-next-line typescript/no-explicit-any
  removeStorage(options: any): unknown
  // oxlint-disable-next-line typescript/no-explicit-any
  getStorageInfo(options: any): unknown
}

type Ask = (options: Record<string, unknown>) => unknown

/** `nativeStorage(wx)`: 1 MB a key and 10 MB together, all of it the app's own too. */
export function nativeStorage(host: NativeStorageHost): Storage {
  return {
    get: (key) =>
      ask((options) => host.getStorage(options), { key }).then(
        ({ data }) => (typeof data === 'string' ? data : undefined),
        () => undefined,
      ),
    set: (key, data) => ask((options) => host.setStorage(options), { key, data }).then(() => {}),
    remove: (key) =>
      ask((options) => host.removeStorage(options), { key }).then(
        () => {},
        () => {},
      ),
    keys: () =>
      ask((options) => host.getStorageInfo(options), {}).then(({ keys }) =>
        Array.isArray(keys) ? (keys as string[]) : [],
      ),
  }
}

function ask(call: Ask, options: Record<string, unknown>): Promise<Record<string, unknown>> {
  return new Promise((success, reject) => {
    const fail = ({ errMsg }: { errMsg?: string }): void => reject(new Error(errMsg ?? 'storage failed'))
    call(Object.assign(options, { success, fail }))
  })
}
