import { failureOf, type Failure, type FailureKind } from '../failure.ts'

/** What a `fail` callback of WeChat's, and of platforms that took its shape over, is given. */
export interface NativeFailure {
  readonly errMsg?: string
  readonly errno?: number
  /** Alipay's number and text. */
  readonly error?: number
  readonly errorMessage?: string
  readonly exception?: { readonly reasons?: readonly { readonly errMsg?: string; readonly errno?: number }[] }
}

/** By number: the surest sign. Numbers of PublicErrno as far as they are documented or were seen. */
const byErrno: Readonly<Record<number, FailureKind>> = {
  5: 'timeout',
  600002: 'misuse',
  600003: 'interrupted',
  600004: 'misuse',
  600008: 'misuse',
  600009: 'misuse',
  602001: 'misuse',
}

/**
 * Chromium's network errors by number. Below -200 a certificate was refused: no request leaves before that. The number
 * comes as `errcode:-105`; WeChat's own 10011 beside it is a network switch.
 */
function byNetCode(code: number): FailureKind | undefined {
  switch (code) {
    case 10011:
    case -21:
      return 'network-switch'
    case -7:
      return 'timeout'
    case -102: // refused
    case -104: // connection failed
    case -105: // name not resolved
    case -106: // disconnected
    case -109: // address unreachable
    case -118: // connection timed out
    case -130: // proxy connection failed
    case -137: // name resolution failed
      return 'not-sent'
    case -100: // closed
    case -101: // reset
    case -103: // aborted
    case -324: // empty response
    case -355: // incomplete chunked encoding
      return 'broken'
  }
  return code <= -200 && code > -300 ? 'not-sent' : undefined
}

/** By text, last: it differs between systems and versions. In this order. */
const byText: readonly (readonly [pattern: RegExp, kind: FailureKind])[] = [
  [/\babort/i, 'aborted'],
  [/network change|ERR_NETWORK_CHANGED/i, 'network-switch'],
  [/interrupted|background/i, 'interrupted'],
  [/url not in domain list|invalid url|parameter|not in domain/i, 'misuse'],
  [
    /ERR_(NAME_NOT_RESOLVED|CONNECTION_REFUSED|ADDRESS_UNREACHABLE|INTERNET_DISCONNECTED|CONNECTION_TIMED_OUT|PROXY_CONNECTION_FAILED)/i,
    'not-sent',
  ],
  [/ERR_(CERT_|SSL_)/i, 'not-sent'],
  [
    /unable to resolve host|ssl hand ?shake|certificate|could not connect|connection refused|ENOTFOUND|ECONNREFUSED|EHOSTUNREACH/i,
    'not-sent',
  ],
  [
    /ERR_(CONNECTION_RESET|CONNECTION_CLOSED|EMPTY_RESPONSE|CONNECTION_ABORTED)|socket hang up|connection (reset|lost)|ECONNRESET|EPIPE/i,
    'broken',
  ],
  [/time ?out|timed out/i, 'timeout'],
]

/** Alipay's numbers, which mean other things than WeChat's. */
const byAlipayError: Readonly<Record<number, FailureKind>> = {
  4: 'misuse',
  9: 'aborted',
  11: 'misuse',
  12: 'broken',
  13: 'timeout',
  23: 'misuse',
}

/** What a `fail` callback means: by number first, then by network code, then by text; unknown means that it may have been sent. */
export function classifyNative(native: NativeFailure): Failure {
  const message = native.errMsg ?? native.errorMessage ?? ''
  const errno = native.errno ?? native.error ?? 0
  const kind =
    (native.errno === undefined && native.error !== undefined
      ? byAlipayError[native.error]
      : byErrno[errno]) ??
    byNetCode(netCodeOf(native)) ??
    textKind(message) ??
    'unknown'
  return failureOf(kind, message === '' ? `the platform gave no reason (errno ${errno})` : message, errno)
}

function netCodeOf({ errMsg = '', exception }: NativeFailure): number {
  const texts = [errMsg, ...(exception?.reasons ?? []).map((reason) => reason.errMsg ?? '')]
  for (const text of texts) {
    const found = /errcode:(-?\d+)/.exec(text) ?? /cronet_error_code:(-?\d+)/.exec(text)
    if (found !== null && Number(found[1]) !== 0) return Number(found[1])
  }
  return 0
}

function textKind(message: string): FailureKind | undefined {
  for (const [pattern, kind] of byText) if (pattern.test(message)) return kind
  return undefined
}
