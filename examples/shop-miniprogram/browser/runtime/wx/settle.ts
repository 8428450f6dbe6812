/** What nearly every function of `wx` takes beside its own options. */
export interface Callbacks {
  success?: (result: never) => void
  fail?: (failure: never) => void
  complete?: (result: never) => void
}

/** A refusal in WeChat's words, without the name of the function. */
export class WxError extends Error {
  readonly errno: number

  constructor(message: string, errno = 0) {
    super(message)
    this.errno = errno
  }
}

/**
 * Answers as every function of `wx` does: by callbacks, never before it has returned, and by a promise where neither
 * `success` nor `fail` nor `complete` is given. Typed `never` so that it fits each function's own result.
 */
export function settle(
  name: string,
  options: Callbacks | undefined,
  work: () => object | Promise<object>,
): never {
  const done = Promise.resolve()
    .then(work)
    .then(
      (result) => ({ ok: true as const, value: { ...result, errMsg: `${name}:ok` } }),
      (error: unknown) => ({ ok: false as const, value: failureOf(name, error) }),
    )
  if (options?.success === undefined && options?.fail === undefined && options?.complete === undefined)
    return done.then(({ ok, value }) => (ok ? value : Promise.reject(value as unknown as Error))) as never
  void done.then(({ ok, value }) => {
    if (ok) options.success?.(value as never)
    else options.fail?.(value as never)
    options.complete?.(value as never)
  })
  return undefined as never
}

function failureOf(name: string, error: unknown): { errMsg: string; errno?: number } {
  const { message } = error as Error
  const errno = error instanceof WxError ? error.errno : 0
  return { errMsg: `${name}:fail ${message}`, ...(errno === 0 ? {} : { errno }) }
}
