/**
 * Why an attempt has no answer.
 *
 * not-sent         provably not one byte of the request reached a server: name not resolved, connection refused, TLS refused
 * timeout          no answer in time; whether the server has the request is not known
 * broken           the connection broke under way; not known either
 * network-switch   the phone changed its network and the platform ended everything in flight: says nothing of the server
 * interrupted      the mini program was in the background too long: says nothing of the server
 * misuse           the request cannot work whoever asks, however often: a domain that is not listed, a bad argument
 * aborted          the caller broke it off
 * unknown          the platform said something nobody knows: taken for sent
 */
export type FailureKind =
  | 'not-sent'
  | 'timeout'
  | 'broken'
  | 'network-switch'
  | 'interrupted'
  | 'misuse'
  | 'aborted'
  | 'unknown'

/** One failed attempt, with what the platform said of it. */
export interface Failure {
  readonly kind: FailureKind
  readonly message: string
  /** The platform's own number; 0 when it has none. */
  readonly errno: number
  /** Whether the request may have reached a server. */
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
    sent: kind !== 'not-sent' && kind !== 'misuse',
    blames: kind === 'not-sent' || kind === 'timeout' || kind === 'broken' || kind === 'unknown',
  }
}
