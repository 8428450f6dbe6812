// axios with axios-retry: three retries, exponential delay, a fresh timeout for each. The adapter is ours: that for mini programs
// asks for axios 0.19.
import axios, { AxiosError, type AxiosInstance, type InternalAxiosRequestConfig } from 'axios'
import axiosRetry, { exponentialDelay } from 'axios-retry'
import { ATTEMPT_MS, expose, type Got, type PlatformHost } from '../contender.ts'

declare const wx: PlatformHost

let client: AxiosInstance

function adapter(config: InternalAxiosRequestConfig) {
  return new Promise<never>((resolve, reject) => {
    const task = wx.request({
      url: axios.getUri(config),
      method: config.method?.toUpperCase(),
      header: config.headers.toJSON(),
      data: config.data,
      timeout: config.timeout,
      // As axios has it: text, parsed by itself.
      dataType: 'text',
      success({ statusCode, data, header }: { statusCode: number; data: unknown; header: object }) {
        const response = { data, status: statusCode, statusText: '', headers: header, config, request: task }
        if (statusCode >= 200 && statusCode < 300) return resolve(response as never)
        const code = statusCode < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE
        reject(new AxiosError(`status ${statusCode}`, code, config, task, response as never))
      },
      fail({ errMsg }: { errMsg: string }) {
        const code = /timeout/.test(errMsg) ? AxiosError.ECONNABORTED : AxiosError.ERR_NETWORK
        reject(new AxiosError(errMsg, code, config, task))
      },
    })
  })
}

const got = ({ status, data }: { status: number; data: unknown }): Got => ({ status, data })

expose({
  begin({ origins }) {
    client = axios.create({ baseURL: origins[0]!, timeout: ATTEMPT_MS, adapter })
    axiosRetry(client, { retries: 3, retryDelay: exponentialDelay, shouldResetTimeout: true })
  },
  get: (path) => client.get(path).then(got),
  post: (path, data) => client.post(path, data).then(got),
  write: (_, path, data) => client.post(path, data),
})
