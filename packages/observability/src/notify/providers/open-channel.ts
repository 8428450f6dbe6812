import type { AlertLanguage, ReceiverConfig, SecretConfig, SmtpConfig } from '@budao/model'
import type { Channel } from '../channel.ts'
import { dingtalkChannel } from './dingtalk.ts'
import { mailChannel } from './email.ts'
import { feishuChannel } from './feishu.ts'
import { slackChannel } from './slack.ts'
import { webhookChannel } from './webhook.ts'
import { wecomChannel } from './wecom.ts'

/** What channels are opened with. */
export interface ChannelContext {
  readonly language: AlertLanguage
  readonly smtp: SmtpConfig | undefined
  /** Reads a secret; `path` is where the configuration names it. Rejects where there is none. */
  secret(config: SecretConfig, path: string): Promise<string>
}

/** A channel and what the configuration calls its kind. */
export interface OpenedChannel {
  readonly kind: string
  readonly channel: Channel
}

/** Opens the channel that a receiver is. Rejects when a secret cannot be read. */
export async function openChannel(
  name: string,
  receiver: ReceiverConfig,
  context: ChannelContext,
): Promise<OpenedChannel> {
  const { language, smtp } = context
  const path = `alerts.receivers.${name}`
  const secret = (kind: string, config: SecretConfig | undefined): Promise<string> | undefined =>
    config === undefined ? undefined : context.secret(config, `${path}.${kind}.secret`)
  const { webhook, slack, wecom, dingtalk, feishu, email } = receiver
  if (webhook !== undefined) {
    const url = await urlOf(webhook.url, `${path}.webhook.url`, context)
    const key = await secret('webhook', webhook.secret)
    return {
      kind: 'webhook',
      channel: webhookChannel({ url, ...(key === undefined ? {} : { secret: key }) }),
    }
  }
  if (slack !== undefined) {
    const url = await urlOf(slack.url, `${path}.slack.url`, context)
    return { kind: 'slack', channel: slackChannel(url, language) }
  }
  if (wecom !== undefined) {
    const url = await urlOf(wecom.url, `${path}.wecom.url`, context)
    return { kind: 'wecom', channel: wecomChannel(url, language) }
  }
  if (dingtalk !== undefined) {
    const url = await urlOf(dingtalk.url, `${path}.dingtalk.url`, context)
    const key = await secret('dingtalk', dingtalk.secret)
    return { kind: 'dingtalk', channel: dingtalkChannel(url, key, language) }
  }
  if (feishu !== undefined) {
    const url = await urlOf(feishu.url, `${path}.feishu.url`, context)
    return { kind: 'feishu', channel: feishuChannel(url, await secret('feishu', feishu.secret), language) }
  }
  const password =
    smtp?.password === undefined ? undefined : await context.secret(smtp.password, 'alerts.smtp.password')
  return { kind: 'email', channel: mailChannel({ smtp: smtp!, password, to: email!.to, language }) }
}

async function urlOf(url: string | SecretConfig, path: string, { secret }: ChannelContext): Promise<string> {
  const given = typeof url === 'string' ? url : await secret(url, path)
  if (!/^https?:\/\//.test(given) || !URL.canParse(given))
    throw new Error(`${path}: expected a URL that starts with http:// or https://`)
  return given
}
