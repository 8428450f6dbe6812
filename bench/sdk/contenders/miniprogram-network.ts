// miniprogram-network with the delayed retries of its README: twice, a second apart.
import { delayRetry, REQUEST, setConfig, transformRequestResponseOkData } from 'miniprogram-network'
import { ATTEMPT_MS, expose, type Got } from '../contender.ts'

const options = { timeout: ATTEMPT_MS }

const got = (data: unknown): Got => ({ status: 200, data })

expose({
  begin({ origins }) {
    setConfig('baseURL', origins[0]!)
    REQUEST.Defaults.transformResponse = transformRequestResponseOkData
    REQUEST.Defaults.retry = delayRetry(1_000, 2)
  },
  get: (path) => REQUEST.get(path, undefined, options).then(got),
  post: (path, data) => REQUEST.post(path, data, options).then(got),
  write: (_, path, data) => REQUEST.post(path, data, options),
})
