/** What `fail` of `wx.request` is given. */
export interface WxFailure {
  readonly errMsg: string
  readonly errno: number
  readonly exception?: WxException
}

/** What the native side says of its own attempts (base library 3.0.0, `fail` 3.8.10). */
export interface WxException {
  readonly reasons: readonly { readonly errMsg: string; readonly errno: number }[]
  /** How often the native network stack sent the request again by itself. */
  readonly retryCount: number
}

function cronet(code: number, name: string): WxFailure {
  return {
    errMsg: `request:fail errcode:${code} cronet_error_code:${code} error_msg:net::${name}`,
    errno: 600001,
  }
}

/** The platform's texts and numbers, as documented or as seen. */
export const wxFailures = {
  dns: cronet(-105, 'ERR_NAME_NOT_RESOLVED'),
  refused: cronet(-102, 'ERR_CONNECTION_REFUSED'),
  reset: cronet(-101, 'ERR_CONNECTION_RESET'),
  closed: cronet(-100, 'ERR_CONNECTION_CLOSED'),
  empty: cronet(-324, 'ERR_EMPTY_RESPONSE'),
  incomplete: cronet(-355, 'ERR_INCOMPLETE_CHUNKED_ENCODING'),
  mismatch: cronet(-354, 'ERR_CONTENT_LENGTH_MISMATCH'),
  unreachable: cronet(-109, 'ERR_ADDRESS_UNREACHABLE'),
  connectTimeout: cronet(-118, 'ERR_CONNECTION_TIMED_OUT'),
  offline: cronet(-106, 'ERR_INTERNET_DISCONNECTED'),
  tls: cronet(-107, 'ERR_SSL_PROTOCOL_ERROR'),
  certificate: cronet(-202, 'ERR_CERT_AUTHORITY_INVALID'),
  certificateDate: cronet(-201, 'ERR_CERT_DATE_INVALID'),
  certificateName: cronet(-200, 'ERR_CERT_COMMON_NAME_INVALID'),
  unknown: { errMsg: 'request:fail unknown', errno: 600000 },
  timeout: { errMsg: 'request:fail timeout', errno: 5 },
  switch: {
    errMsg: 'request:fail errcode:10011 cronet_error_code:0 error_msg:network change, cancel all task',
    errno: 600001,
  },
  interrupted: { errMsg: 'request:fail interrupted', errno: 600003 },
  domain: { errMsg: 'request:fail url not in domain list', errno: 600002 },
  method: { errMsg: 'request:fail invalid method', errno: 600009 },
  url: { errMsg: 'request:fail invalid url', errno: 600009 },
  argument: {
    errMsg: 'request:fail parameter error: parameter.data should be String, Object or ArrayBuffer',
    errno: 600008,
  },
  abort: { errMsg: 'request:fail abort', errno: 0 },
} as const satisfies Record<string, WxFailure>

export type WxFailureKind = keyof typeof wxFailures
