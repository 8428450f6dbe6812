/**
 * Why an attempt has no answer.
 *
 * not-sent         provably not one byte of the request reached a server: name not resolved, connection refused, TLS refused
 * offline          the phone has no network: nothing was sent, and nothing is said of the server
 * timeout          no answer in time; whether the server has the request is not known
 * broken           the connection broke under way; not known either
 * wrong            an answer came, and it is none of the API's: 502, 503, 504, a page, half of an object
 * network-switch   the phone changed its network and the platform ended everything in flight: says nothing of the server
 * interrupted      the mini program was in the background too long: says nothing of the server
 * busy             the server says that it has not done it and may be asked again: 429, a keyed write that is still under way
 * error            the server says that it failed at it; it may have done something
 * misuse           the request cannot work whoever asks, however often: a domain that is not listed, a bad argument
 * aborted          the caller broke it off
 * unknown          the platform said something nobody knows: taken for sent
 */
export type FailureKind =
  | 'not-sent'
  | 'offline'
  | 'timeout'
  | 'broken'
  | 'wrong'
  | 'network-switch'
  | 'interrupted'
  | 'busy'
  | 'error'
  | 'misuse'
  | 'aborted'
  | 'unknown'

/** One failed attempt, with what the platform said of it. */
export interface Failure {
  readonly kind: FailureKind
  readonly message: string
  /** The platform's own number; 0 when it has none. */
  readonly errno: number
  /** Whether a server may have begun to carry out the request. */
  readonly sent: boolean
  /** Whether it speaks against the server it was sent to. */
  readonly blames: boolean
}

/** What follows from a kind, whoever found it. */
export function failureOf(kind: FailureKind, message: string, errno = 0): Failure {
  return {
    kind,
    message,
    errno,
    sent: !/^(not-sent|offline|busy|misuse)$/.test(kind),
    blames: /^(not-sent|timeout|broken|wrong|unknown)$/.test(kind),
  }
}
