import { ApiError } from '../api-error.ts'
import type { LoginCode } from '../session.ts'

/** The part of `wx`, `tt`, `uni` or `my` that logs in. */
export interface NativeLoginHost {
  // As with `request`: each platform types its options in its own way.
  // oxlint-disable-next-line typescript/no-explicit-any
  login?(options: any): unknown
  /** Alipay's. */
  // oxlint-disable-next-line typescript/no-explicit-any
  getAuthCode?(options: any): unknown
}

type Login = () => Promise<LoginCode>

/** A code of the platform's login, for the session route's provider of that name. */
export function nativeLogin(host: NativeLoginHost, provider: string): Login {
  return () =>
    new Promise((resolve, reject) => {
      const options = {
        scopes: 'auth_base',
        success: ({ code, authCode }: { code?: string; authCode?: string }) =>
          resolve({ provider, code: code ?? authCode ?? '' }),
        fail: ({ errMsg = 'the login failed' }: { errMsg?: string }) =>
          reject(new ApiError('network', `The platform's login: ${errMsg}`)),
      }
      if (host.login === undefined) host.getAuthCode?.(options)
      else host.login(options)
    })
}

/** `weixinLogin(wx)`: `wx.login`. */
export const weixinLogin = (host: NativeLoginHost): Login => nativeLogin(host, 'weixin')

/** `alipayLogin(my)`: `my.getAuthCode` for the silent scope. */
export const alipayLogin = (host: NativeLoginHost): Login => nativeLogin(host, 'alipay')

/** `douyinLogin(tt)`: `tt.login`. */
export const douyinLogin = (host: NativeLoginHost): Login => nativeLogin(host, 'douyin')
