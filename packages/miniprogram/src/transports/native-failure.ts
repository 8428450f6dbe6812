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

/**
 * The first that matches tells. Numbers come first, as the surest sign: `n600002;` is PublicErrno's as far as it is documented or was
 * seen, `a13;` is Alipay's, and `code:-105` Chromium's network error, where below -200 a certificate was refused: no
 * request leaves before that. WeChat's own 10011 among those is a switch of networks. Texts differ between systems and
 * versions.
 */
const signs: readonly (readonly [pattern: RegExp, kind: FailureKind])[] = [
  [/^(n5|a13);/, 'timeout'],
  [/^n600003;/, 'interrupted'],
  [/^(n(60000[2489]|602001)|a(4|11|23));/, 'misuse'],
  [/^a9;/, 'aborted'],
  [/^a12;/, 'broken'],
  [/code:(10011|-21)\b/, 'network-switch'],
  [/code:-7\b/, 'timeout'],
  [/code:-106\b|_INTERNET_DIS/i, 'offline'],
  [/code:-(10[2459]|118|13[07]|2\d\d)\b/, 'not-sent'],
  [/code:-(10[013]|324|355)\b/, 'broken'],
  [/\babort/i, 'aborted'],
  [/network.?change/i, 'network-switch'],
  [/interrupted|background/i, 'interrupted'],
  [/not in domain|invalid url|parameter/i, 'misuse'],
  [
    /_(NAME_NOT|CONNECTION_REFUSED|ADDRESS_UN|CONNECTION_TIMED|PROXY_CONN)|ERR_(CERT|SSL)_|resolve host|ssl hand ?shake|certificate|not connect|connection refused|ENOTFOUND|ECONNREFUSED|EHOSTUNREACH/i,
    'not-sent',
  ],
  [
    /_(CONNECTION_(RESET|CLOSED|ABORTED)|EMPTY_RESPONSE)|hang up|connection (reset|lost)|ECONNRESET|EPIPE/i,
    'broken',
  ],
  [/tim(e ?|ed )out/i, 'timeout'],
]

/** What a `fail` callback means: by number first, then by network code, then by text; unknown means that it may have been sent. */
export function classifyNative({ errMsg, errno, error, errorMessage, exception }: NativeFailure): Failure {
  const text = errMsg ?? errorMessage ?? ''
  // The one misuse that only the console can mend.
  const message = /in domain list/.test(text) ? `${text}: add it to the request domains in the console` : text
  const number = errno ?? error ?? 0
  const reasons = (exception?.reasons ?? []).map((reason) => reason.errMsg).join()
  const told = `${errno === undefined && error !== undefined ? 'a' : 'n'}${number};${message} ${reasons}`
  const sign = signs.find(([pattern]) => pattern.test(told))
  return failureOf(sign?.[1] ?? 'unknown', message || `errno ${number}, without a reason`, number)
}
