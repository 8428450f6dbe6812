/** What a program is given when it starts. */
export interface Begin {
  /** The first is the one to use while it works. Most know what to do with one only. */
  readonly origins: readonly string[]
}

/** What the caller has in hand, whatever the library calls it. Rejects where the library does. */
export interface Got {
  readonly status: number
  readonly data: unknown
}

/** One way to send requests from a mini program, bundled and started in a phone of the test kit. */
export interface Contender {
  begin(options: Begin): void
  /** `priority` where the library has one. */
  get(path: string, priority?: 'low' | 'high'): Promise<Got>
  post(path: string, data: object): Promise<Got>
  /** A write that the user does not wait for. Resolves once the program has no more to do for it. */
  write(entity: string, path: string, data: object): Promise<unknown>
}

/** The part of the platform that contenders use. */
export interface PlatformHost {
  request(options: object): { abort(): void }
  getStorage(options: object): unknown
  setStorage(options: object): unknown
  removeStorage(options: object): unknown
  getStorageInfo(options: object): unknown
}

/** Milliseconds that a user waits for a call: what is later is no answer. */
export const PATIENCE_MS = 15_000
/** Where a library knows a timeout for one attempt, this is it. */
export const ATTEMPT_MS = 5_000

/** Puts a contender where the phone looks for it. */
export function expose(contender: Contender): void {
  const realm = globalThis as unknown as { app: Contender }
  realm.app = contender
}
