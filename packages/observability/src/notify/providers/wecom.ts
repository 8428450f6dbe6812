import type { AlertLanguage } from '@budao/model'
import type { Channel } from '../channel.ts'
import { post } from '../http-post.ts'
import { fitText, messageText } from '../message-text.ts'
import { robotAnswer } from './robot-answer.ts'

/** Of `markdown.content`, UTF-8. */
const contentBytesMax = 4_096

/** A group robot of WeCom: 20 messages a minute; 45009 is too much, -1 means its servers are busy. */
export function wecomChannel(url: string, language: AlertLanguage): Channel {
  return {
    limit: { messages: 20, perMs: 60_000 },
    async send(notification, signal) {
      const content = fitText(
        messageText(notification, language),
        language,
        contentBytesMax,
        (title, lines) => [`**${title}**`, ...lines.map((line) => `> ${line}`)].join('\n'),
      )
      const body = JSON.stringify({ msgtype: 'markdown', markdown: { content } })
      return robotAnswer(await post(url, body, {}, signal), {
        key: 'errcode',
        limited: { 45009: 60_000, 45033: 60_000 },
        busy: [-1],
      })
    },
  }
}
