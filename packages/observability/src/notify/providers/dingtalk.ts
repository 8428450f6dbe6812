import { createHmac } from 'node:crypto'
import type { AlertLanguage } from '@budao/model'
import type { Channel } from '../channel.ts'
import { post } from '../http-post.ts'
import { fitText, messageText } from '../message-text.ts'
import { robotAnswer } from './robot-answer.ts'

/** Of the body, 20 000 bytes; what is around the text, and its escapes in JSON, need some. */
const textBytesMax = 15_000

/**
 * A group robot of DingTalk: 20 messages a minute, and whoever sends more is muted for ten (130101); 460101 is a message that is
 * too long. With a secret every address is signed: `timestamp` in milliseconds, good for an hour.
 */
export function dingtalkChannel(
  url: string,
  secret: string | undefined,
  language: AlertLanguage,
  now: () => number = Date.now,
): Channel {
  return {
    limit: { messages: 20, perMs: 60_000 },
    async send(notification, signal) {
      const message = messageText(notification, language)
      const text = fitText(message, language, textBytesMax, (title, lines) =>
        [`#### ${title}`, ...lines].join('  \n'),
      )
      const body = JSON.stringify({ msgtype: 'markdown', markdown: { title: message.title, text } })
      const answer = await post(signed(url, secret, now()), body, {}, signal)
      return robotAnswer(answer, { key: 'errcode', limited: { 130101: 600_000, 90018: 600_000 }, busy: [-1] })
    },
  }
}

function signed(url: string, secret: string | undefined, timestamp: number): string {
  if (secret === undefined) return url
  const to = new URL(url)
  to.searchParams.set('timestamp', String(timestamp))
  to.searchParams.set('sign', createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64'))
  return to.href
}
