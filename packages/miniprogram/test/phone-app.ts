// A mini program's app.js, as tests start it on a simulated phone.
import { createClient, weixinLogin, type ApiError } from '../src/index.ts'

declare const wx: Parameters<typeof weixinLogin>[0]

const api = createClient({
  channels: ['https://a.example', 'https://b.example'],
  cache: {},
  keysHonoured: true,
  auth: { login: weixinLogin(wx), keep: true },
  telemetry: { app: 'shop', samplePercent: 100 },
})

/** What became of everything that was asked for, in order. */
const told: string[] = []

Object.assign(globalThis, {
  app: {
    api,
    told,
    get(path: string) {
      api.get(path).then(
        ({ source, channel }) => told.push(`${path} ${source} ${channel}`),
        ({ code }: ApiError) => told.push(`${path} ${code}`),
      )
    },
    queue(n: number) {
      api.queue({ entity: 'cart', path: '/cart', data: { n } }).then(
        () => told.push(`queued ${n}`),
        ({ code }: ApiError) => told.push(`queue ${n} ${code}`),
      )
    },
  },
})
