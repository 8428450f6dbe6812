import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyNative, type NativeFailure } from './native-failure.ts'

const cronet = (code: number, text: string): string =>
  `request:fail errcode:${code} cronet_error_code:${code} error_msg:net::${text}`

const seen: readonly (readonly [native: NativeFailure, kind: string, sent: boolean, blames: boolean])[] = [
  [{ errno: 5, errMsg: 'request:fail timeout' }, 'timeout', true, true],
  [{ errMsg: 'request:fail timeout' }, 'timeout', true, true],
  [{ errno: 600000, errMsg: 'request:fail unknown' }, 'unknown', true, true],
  [{ errno: 600001, errMsg: cronet(-105, 'ERR_NAME_NOT_RESOLVED') }, 'not-sent', false, true],
  [{ errno: 600001, errMsg: cronet(-102, 'ERR_CONNECTION_REFUSED') }, 'not-sent', false, true],
  [{ errno: 600001, errMsg: cronet(-106, 'ERR_INTERNET_DISCONNECTED') }, 'offline', false, false],
  [{ errMsg: 'request:fail net::ERR_INTERNET_DISCONNECTED' }, 'offline', false, false],
  [{ errno: 600001, errMsg: cronet(-118, 'ERR_CONNECTION_TIMED_OUT') }, 'not-sent', false, true],
  [{ errno: 600001, errMsg: cronet(-202, 'ERR_CERT_AUTHORITY_INVALID') }, 'not-sent', false, true],
  [{ errno: 600001, errMsg: cronet(-101, 'ERR_CONNECTION_RESET') }, 'broken', true, true],
  [{ errno: 600001, errMsg: cronet(-324, 'ERR_EMPTY_RESPONSE') }, 'broken', true, true],
  [
    {
      errno: 600001,
      errMsg: 'request:fail errcode:10011 cronet_error_code:0 error_msg:network change, cancel all task',
    },
    'network-switch',
    true,
    false,
  ],
  [{ errno: 600002, errMsg: 'request:fail url not in domain list' }, 'misuse', false, false],
  [{ errMsg: 'request:fail url not in domain list' }, 'misuse', false, false],
  [{ errno: 600003, errMsg: 'request:fail interrupted' }, 'interrupted', true, false],
  [{ errMsg: 'request:fail interrupted' }, 'interrupted', true, false],
  [{ errno: 600009, errMsg: 'request:fail invalid url' }, 'misuse', false, false],
  [{ errMsg: 'request:fail abort' }, 'aborted', true, false],
  [{ errMsg: 'request:fail Unable to resolve host "a.example"' }, 'not-sent', false, true],
  [{ errMsg: 'request:fail ssl hand shake error' }, 'not-sent', false, true],
  [{ errMsg: 'request:fail socket hang up' }, 'broken', true, true],
  [
    { errno: 600001, errMsg: 'request:fail', exception: { reasons: [{ errno: 1, errMsg: 'errcode:-105' }] } },
    'not-sent',
    false,
    true,
  ],
  [{ error: 13, errorMessage: 'timeout' }, 'timeout', true, true],
  [{ error: 12, errorMessage: 'http request failed' }, 'broken', true, true],
  [{ error: 11, errorMessage: 'no permission' }, 'misuse', false, false],
  [{ errMsg: 'request:fail something new' }, 'unknown', true, true],
  [{}, 'unknown', true, true],
]

test('failures are told apart by number, then by network code, then by text; the unknown may have been sent', () => {
  for (const [native, kind, sent, blames] of seen) {
    const failure = classifyNative(native)
    assert.deepEqual(
      [failure.kind, failure.sent, failure.blames],
      [kind, sent, blames],
      JSON.stringify(native),
    )
    assert.notEqual(failure.message, '')
  }
})
