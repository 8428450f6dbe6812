// alova with its own `retry`: three times, a second apart and doubled, GETs only. The adapter is ours: there is none for wx itself. Its
// silent queue of writes needs the state of a user interface, and is not here.
import { createAlova } from 'alova'
import { retry } from 'alova/server'
import { ATTEMPT_MS, expose, type Got, type PlatformHost } from '../contender.ts'

declare const wx: PlatformHost

interface Answer {
  readonly statusCode: number
  readonly data: unknown
  readonly header: object
}

let client: ReturnType<typeof make>

function make(baseURL: string) {
  return createAlova({
    baseURL,
    timeout: ATTEMPT_MS,
    requestAdapter({ url, type, data, headers }, method) {
      let task: { abort(): void } | undefined
      const answer = new Promise<Answer>((success, reject) => {
        task = wx.request({
          url,
          method: type,
          data,
          header: { ...headers },
          timeout: method.config.timeout,
          success,
          fail: ({ errMsg }: { errMsg: string }) => reject(new Error(errMsg)),
        })
      })
      return {
        response: () => answer,
        headers: () => answer.then(({ header }) => header),
        abort: () => task?.abort(),
      }
    },
    responded({ statusCode, data }: Answer): Got {
      if (statusCode >= 400) throw new Error(`status ${statusCode}`)
      return { status: statusCode, data }
    },
  })
}

expose({
  begin: ({ origins }) => void (client = make(origins[0]!)),
  get: (path) => retry(client.Get<Got>(path), { retry: 3, backoff: { delay: 1_000, multiplier: 2 } }).send(),
  post: (path, data) => client.Post<Got>(path, data).send(),
  write: (_, path, data) => client.Post<Got>(path, data).send(),
})
