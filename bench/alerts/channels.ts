import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { mailboxServer } from '../../examples/shop/mailbox.ts'

/** What a channel was handed, and when its last byte was there. */
export interface Handed {
  readonly channel: Channel
  readonly at: number
  readonly bytes: number
  readonly text: string
}

export const channels = ['webhook', 'slack', 'wecom', 'dingtalk', 'feishu', 'email'] as const
export type Channel = (typeof channels)[number]

/** The most bytes a message may have, as docs/reference/alerts.md says; a webhook's limit is a number of alerts. */
export const bytesMax: Readonly<Record<Channel, number>> = {
  webhook: Infinity,
  slack: 12_000,
  wecom: 4_096,
  dingtalk: 20_000,
  feishu: 20 * 1024,
  email: 100_000,
}

/** Takes everything that Budao's channels are told: one HTTP server that answers as each robot does when it is well, and one for mail. */
export class Channels implements AsyncDisposable {
  readonly handed: Handed[] = []
  readonly #web: Server
  readonly #mail = mailboxServer((mail) => this.#take('email', mail.subject + mail.text))

  constructor() {
    this.#web = createServer((request, response) => {
      void text(request).then((body) => {
        const name = request.url?.slice(1)
        const channel = channels.find((each) => each === name)
        if (channel === undefined) return void response.writeHead(404).end()
        this.#take(channel, body)
        response.end(channel === 'slack' ? 'ok' : '{"errcode":0,"errmsg":"ok","code":0}')
      })
    })
  }

  /** The `alerts` keys that lead here. */
  async listen(): Promise<{ readonly receivers: object; readonly smtp: object }> {
    for (const server of [this.#web, this.#mail]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    const at = ({ address }: { address(): unknown }): string => `127.0.0.1:${(address() as AddressInfo).port}`
    const web = at({ address: () => this.#web.address() })
    const robots = channels.filter((each) => each !== 'email')
    return {
      receivers: {
        ...Object.fromEntries(robots.map((each) => [each, { [each]: { url: `http://${web}/${each}` } }])),
        email: { email: { to: ['dev@example.com'] } },
      },
      smtp: {
        server: at({ address: () => this.#mail.address() }),
        from: 'budao@example.com',
        security: 'none',
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#web.closeAllConnections()
    this.#web.close()
    this.#mail.close()
  }

  #take(channel: Channel, body: string): void {
    this.handed.push({ channel, at: performance.now(), bytes: Buffer.byteLength(body), text: body })
  }
}
