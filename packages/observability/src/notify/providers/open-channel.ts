import type { AlertLanguage, ReceiverConfig, SecretConfig, SmtpConfig } from '@budao/model'
import type { Channel } from '../channel.ts'
import { webhookChannel } from './webhook.ts'

/** What channels are opened with. */
export interface ChannelContext {
  readonly language: AlertLanguage
  readonly smtp: SmtpConfig | undefined
  /** Reads a secret; `path` is where the configuration names it. Rejects where there is none. */
  secret(config: SecretConfig, path: string): Promise<string>
}

/** Opens the channel that a receiver is. Rejects when a secret cannot be read. */
export async function openChannel(
  name: string,
  receiver: ReceiverConfig,
  context: ChannelContext,
): Promise<{ readonly kind: string; readonly channel: Channel }> {
  const path = `alerts.receivers.${name}`
  const { webhook } = receiver
  if (webhook !== undefined) {
    const url = await urlOf(webhook.url, `${path}.webhook.url`, context)
    const { secret } = webhook
    const signed =
      secret === undefined ? {} : { secret: await context.secret(secret, `${path}.webhook.secret`) }
    return { kind: 'webhook', channel: webhookChannel({ url, ...signed }) }
  }
  throw new Error(`${path}: no channel`)
}

async function urlOf(url: string | SecretConfig, path: string, { secret }: ChannelContext): Promise<string> {
  const given = typeof url === 'string' ? url : await secret(url, path)
  if (!/^https?:\/\//.test(given) || !URL.canParse(given))
    throw new Error(`${path}: expected a URL that starts with http:// or https://`)
  return given
}
