// wx.request as it is, in a promise.
import { expose, PATIENCE_MS, type Got, type PlatformHost } from '../contender.ts'

declare const wx: PlatformHost

let origin = ''

function request(method: string, path: string, data?: object): Promise<Got> {
  return new Promise((resolve, reject) => {
    wx.request({
      url: origin + path,
      method,
      data,
      timeout: PATIENCE_MS,
      success: ({ statusCode, data: received }: { statusCode: number; data: unknown }) =>
        // Everybody looks at the status.
        statusCode < 400
          ? resolve({ status: statusCode, data: received })
          : reject(new Error(`status ${statusCode}`)),
      fail: ({ errMsg }: { errMsg: string }) => reject(new Error(errMsg)),
    })
  })
}

expose({
  begin: ({ origins }) => void (origin = origins[0]!),
  get: (path) => request('GET', path),
  post: (path, data) => request('POST', path, data),
  write: (_, path, data) => request('POST', path, data),
})
