// luch-request has no retry of its own: its documents show none.
import * as luch from 'luch-request'
import { expose, PATIENCE_MS, type Got, type PlatformHost } from '../contender.ts'

declare const wx: PlatformHost

// What the compiler of uni-app makes of `uni` in a mini program of WeChat.
const realm = globalThis as unknown as { uni: PlatformHost }
realm.uni = wx

interface Http {
  get(path: string): Promise<{ statusCode: number; data: unknown }>
  post(path: string, data: object): Promise<{ statusCode: number; data: unknown }>
}

// Its types do not fit its module, which is a default export.
const Request = luch.default as unknown as new (options: object) => Http

let http: Http

const got = ({ statusCode, data }: { statusCode: number; data: unknown }): Got => ({
  status: statusCode,
  data,
})

expose({
  begin: ({ origins }) => void (http = new Request({ baseURL: origins[0]!, timeout: PATIENCE_MS })),
  get: (path) => http.get(path).then(got),
  post: (path, data) => http.post(path, data).then(got),
  write: (_, path, data) => http.post(path, data),
})
