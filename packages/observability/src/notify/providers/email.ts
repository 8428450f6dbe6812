import { createHash } from 'node:crypto'
import type { AlertLanguage, SmtpConfig } from '@budao/model'
import type { SentMessageInfo, Transporter } from 'nodemailer'
import type { Channel, Delivery } from '../channel.ts'
import { fitText, messageText } from '../message-text.ts'
import type { Notification } from '../notification.ts'

/** Mail that is longer is not read on a phone. */
const textBytesMax = 100_000

export interface MailOptions {
  readonly smtp: SmtpConfig
  readonly password: string | undefined
  readonly to: readonly string[]
  readonly language: AlertLanguage
}

/** Mail by SMTP. All mail about one group of alerts is one thread: it answers a message that never was. */
export function mailChannel({ smtp, password, to, language }: MailOptions): Channel {
  let transport: Promise<Transporter> | null = null
  const open = async (): Promise<Transporter> => {
    // Loaded only where somebody is told by mail.
    const { createTransport } = await import('nodemailer')
    const colon = smtp.server.lastIndexOf(':')
    return createTransport({
      host: smtp.server.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(smtp.server.slice(colon + 1)),
      secure: smtp.security === 'tls',
      requireTLS: smtp.security === 'starttls',
      ignoreTLS: smtp.security === 'none',
      connectionTimeout: 8_000,
      greetingTimeout: 8_000,
      socketTimeout: 9_000,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(smtp.user === undefined ? {} : { auth: { user: smtp.user, pass: password ?? '' } }),
    })
  }
  return {
    limit: null,
    async send(notification) {
      try {
        const sender = await (transport ??= open())
        await sender.sendMail(mailOf(notification, smtp.from, to, language))
        return { kind: 'delivered' }
      } catch (error) {
        return byReply(error as Error & Partial<SentMessageInfo>)
      }
    },
    close() {
      void transport?.then((sender) => sender.close())
    },
  }
}

function mailOf(
  notification: Notification,
  from: string,
  to: readonly string[],
  language: AlertLanguage,
): object {
  const message = messageText(notification, language)
  const text = fitText(message, language, textBytesMax, (_title, lines) => lines.join('\n'))
  const domain = from.slice(from.indexOf('@') + 1)
  const thread = createHash('sha256').update(notification.groupKey).digest('hex').slice(0, 24)
  const root = `<budao-${thread}@${domain}>`
  const urgent = notification.status === 'firing' && /^(P1|critical)$/.test(message.title.split(' ')[1] ?? '')
  return {
    from,
    to: [...to],
    subject: message.title,
    text,
    // The same for every attempt, so that a mailbox can tell repetitions.
    messageId: `<budao-${notification.id}@${domain}>`,
    inReplyTo: root,
    references: [root],
    headers: { 'auto-submitted': 'auto-generated', ...(urgent ? { 'x-priority': '1' } : {}) },
  }
}

/** 5xx is a refusal for good; everything else, a server that is not there included, is tried again. */
function byReply(error: Error & { readonly responseCode?: number; readonly code?: string }): Delivery {
  const why = error.message.slice(0, 200)
  const code = error.responseCode ?? 0
  return { kind: code >= 500 && code < 600 ? 'refused' : 'retry', why }
}
