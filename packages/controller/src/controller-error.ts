/** Every way in which the controller refuses to start. */
export const controllerErrorCodes = [
  'ADMIN_ADDRESS_INVALID',
  'ADMIN_ADDRESS_UNUSABLE',
  'ADMIN_TOKENS_NEEDED',
  'AGENT_LOCKED',
  'GSLB_ADDRESS_UNUSABLE',
  'GSLB_GEO_FILE',
] as const

/** One of `controllerErrorCodes`. */
export type ControllerErrorCode = (typeof controllerErrorCodes)[number]

/** The controller cannot do what it was told to. */
export class ControllerError extends Error {
  override readonly name = 'ControllerError'
  readonly code: ControllerErrorCode
  /** What an operator can do next, in one sentence. */
  readonly hint: string

  constructor(code: ControllerErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.hint = hint
  }
}
