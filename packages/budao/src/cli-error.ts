/** A failure whose message says enough: printed as one line, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError'
  /** 1 failed, 2 wrong usage. */
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
