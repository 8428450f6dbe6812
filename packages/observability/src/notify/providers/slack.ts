import type { AlertLanguage } from '@budao/model'
import type { Channel } from '../channel.ts'
import { byStatus, post } from '../http-post.ts'
import { fitText, messageText } from '../message-text.ts'

/** Slack cuts a text that is longer off. */
const textBytesMax = 12_000

/**
 * An incoming webhook of Slack: about one message a second; 429 says in `Retry-After` when to come again, and whoever does not
 * heed it may be shut off.
 */
export function slackChannel(url: string, language: AlertLanguage): Channel {
  return {
    limit: { messages: 60, perMs: 60_000 },
    async send(notification, signal) {
      const text = fitText(messageText(notification, language), language, textBytesMax, (title, lines) =>
        [`*${escape(title)}*`, ...lines.map(escape)].join('\n'),
      )
      return byStatus(await post(url, JSON.stringify({ text }), {}, signal))
    },
  }
}

/** The three characters that mean something in its texts. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
