import { z } from 'zod'
import { address, choice, flag, matching, text } from '../config-scalars.ts'
import { secretSchema } from '../config-schema-serve.ts'
import {
  alertLanguages,
  type ReceiverConfig,
  type RobotConfig,
  type SignedRobotConfig,
  type SmtpConfig,
  type UrlConfig,
} from './receiver.ts'

const kinds = ['webhook', 'slack', 'wecom', 'dingtalk', 'feishu', 'email'] as const
const mailAddress = matching(/^[^\s@<>",;]{1,64}@[^\s@<>",;]{1,255}$/, 'a mail address')

/** The schema of one of `alerts.receivers`. */
export function receiverSchema(): z.ZodType<ReceiverConfig> {
  return z
    .strictObject({
      sendResolved: flag.default(true).describe('Whether it hears of ends.'),
      language: z
        .exactOptional(choice(alertLanguages))
        .describe('Of its messages. Absent: `alerts.language`.'),
      webhook: z
        .exactOptional(
          z.strictObject({
            url: urlSchema(),
            secret: z
              .exactOptional(secretSchema())
              .describe('Messages are signed with it in `X-Budao-Signature`. Absent: not signed.'),
          }),
        )
        .describe('Any program: JSON in the shape of Alertmanager’s webhooks, version 4.'),
      slack: z.exactOptional(robotSchema()).describe('An incoming webhook of Slack.'),
      wecom: z.exactOptional(robotSchema()).describe('A group robot of WeCom.'),
      dingtalk: z.exactOptional(signedRobotSchema()).describe('A group robot of DingTalk.'),
      feishu: z.exactOptional(signedRobotSchema()).describe('A group robot of Feishu.'),
      email: z
        .exactOptional(
          z.strictObject({
            to: z
              .array(mailAddress, { error: 'a list of mail addresses' })
              .min(1, { error: 'at least one address' })
              .max(50, { error: 'at most 50 addresses' })
              .describe('Who gets it.'),
          }),
        )
        .describe('Mail by `alerts.smtp`, one thread for each group of alerts.'),
    })
    .refine((receiver) => kinds.filter((kind) => receiver[kind] !== undefined).length === 1, {
      error: `exactly one of ${kinds.join(', ')}`,
    })
}

/** The schema of `alerts.smtp`. */
export function smtpSchema(): z.ZodType<SmtpConfig> {
  return z.strictObject({
    server: address({ portMin: 1 }).describe('`host:port` of the mail server, such as 127.0.0.1:25.'),
    from: mailAddress.describe('Sender of all mail.'),
    security: choice(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe(
        '`starttls` must become TLS, `tls` is from the first byte, `none` for a server on this machine.',
      ),
    user: z.exactOptional(text()).describe('Name to log in with. Absent: nobody logs in.'),
    password: z.exactOptional(secretSchema()).describe('Password of `user`.'),
  })
}

function robotSchema(): z.ZodType<RobotConfig> {
  return z.strictObject({ url: urlSchema() })
}

function signedRobotSchema(): z.ZodType<SignedRobotConfig> {
  return z.strictObject({
    url: urlSchema(),
    secret: z
      .exactOptional(secretSchema())
      .describe('What its messages are signed with. Absent: they are not signed.'),
  })
}

function urlSchema(): z.ZodType<UrlConfig> {
  const error = 'a URL such as https://chat.example/hook, or where it is kept: file or env'
  return z
    .union([matching(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, error), secretSchema()], { error })
    .describe('Its address, key included, as a text or from a secret.')
}
