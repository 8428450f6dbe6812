/// <reference types="miniprogram-api-typings" />
// Compiled, never run: what is wrapped has WeChat's own types, and WeChat's own objects are taken.
import { createClient, weixin } from '../src/index.ts'

const api = createClient({ channels: [{ baseUrl: 'https://api.example.com' }], transport: weixin(wx) })

export const request: typeof wx.request = api.wrap(wx)

export const task: WechatMiniprogram.RequestTask = request<{ id: number }>({
  url: 'https://api.example.com/items',
  method: 'POST',
  data: { id: 1 },
  header: { 'content-type': 'application/json' },
  enableHttp2: true,
  success: ({ data, statusCode, profile }) => console.log(data.id, statusCode, profile?.rtt),
  fail: ({ errMsg, errno }) => console.log(errMsg, errno),
  complete: ({ errMsg }) => console.log(errMsg),
})
