import { createHmac } from 'node:crypto'
import type { AlertLanguage } from '@budao/model'
import type { Channel } from '../channel.ts'
import { post } from '../http-post.ts'
import { fitText, messageText } from '../message-text.ts'
import { robotAnswer } from './robot-answer.ts'

/** Of the body, 20 KB; the rest is what is around the text. */
const textBytesMax = 15_000

/**
 * A group robot of Feishu: 100 messages a minute and 5 a second; 11232 and 9499 are too much, 19021 a signature that is none. The
 * key of its signature is `timestamp\nsecret`, with seconds, and what is signed is empty.
 */
export function feishuChannel(
  url: string,
  secret: string | undefined,
  language: AlertLanguage,
  now: () => number = Date.now,
): Channel {
  return {
    limit: { messages: 100, perMs: 60_000 },
    async send(notification, signal) {
      const text = fitText(messageText(notification, language), language, textBytesMax, (title, lines) =>
        [title, ...lines].join('\n'),
      )
      const timestamp = String(Math.floor(now() / 1_000))
      const sign =
        secret === undefined
          ? {}
          : { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64') }
      const body = JSON.stringify({ ...sign, msg_type: 'text', content: { text } })
      return robotAnswer(await post(url, body, {}, signal), {
        key: 'code',
        limited: { 11232: 30_000, 9499: 30_000 },
        busy: [11233],
      })
    },
  }
}
