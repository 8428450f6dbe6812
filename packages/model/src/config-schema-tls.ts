import { z } from 'zod'
import { choice, file, flag, matching, text } from './config-scalars.ts'
import type { AcmeConfig, HstsConfig, TlsConfig, UpstreamTlsConfig } from './config-tls.ts'

const certificateName = matching(
  /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/,
  'a name in lower case such as shop.example or *.shop.example',
)

const minVersion = choice(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2')

const pairError = 'cert and key, or certificates, or acme'

const chain = file.describe('Certificate chain, PEM.')
const privateKey = file.describe('Private key, PEM.')

export function tlsSchema(): z.ZodType<TlsConfig> {
  return z
    .strictObject({
      cert: z.exactOptional(chain),
      key: z.exactOptional(privateKey),
      certificates: z
        .exactOptional(
          z.array(
            z.strictObject({
              cert: chain,
              key: privateKey,
              hosts: z
                .exactOptional(
                  z
                    .array(certificateName, { error: 'a list of names' })
                    .min(1, { error: 'at least one name' }),
                )
                .describe('Names it is shown for. Absent: those in the certificate.'),
            }),
            { error: 'a list of certificates' },
          ),
        )
        .describe('Several, chosen by the name a client asks for; the first where none fits.'),
      acme: z
        .exactOptional(acmeSchema())
        .describe('The certificate comes from an ACME directory (RFC 8555), proved by http-01.'),
      minVersion: minVersion.describe('`TLSv1.2` or `TLSv1.3`; older ones are forbidden by RFC 8996.'),
      ciphers: z
        .exactOptional(text('an OpenSSL cipher list'))
        .describe('An OpenSSL cipher list. Absent: the default of Node.'),
      clientAuth: z
        .exactOptional(
          z.strictObject({
            ca: file.describe('Authorities that may have signed them, PEM.'),
            mode: choice(['request', 'require'])
              .default('require')
              .describe('`require`: no connection without one; `request`: one that is shown must be valid.'),
            forward: z
              .array(choice(['subject', 'fingerprint', 'certificate']))
              .default(['subject'])
              .describe('What backends are told of a verified one.'),
          }),
        )
        .describe('Asks clients for a certificate. Absent: not asked.'),
      hsts: z
        .exactOptional(z.union([z.literal(false), hstsSchema()], { error: 'its settings, or false' }))
        .describe('Answers carry Strict-Transport-Security (RFC 6797). Absent or `false`: they do not.'),
    })
    .refine(hasOneForm, { error: pairError, abort: true })
    .transform(({ cert, key, certificates, ...tls }) => ({
      certificates: certificates ?? (cert === undefined ? [] : [{ cert, key: key! }]),
      ...tls,
    }))
}

const DAY_SECONDS = 86_400
const YEAR_DAYS = 365

function hstsSchema(): z.ZodType<HstsConfig> {
  return z
    .strictObject({
      maxAge: days(0, 10 * YEAR_DAYS)
        .prefault('180d')
        .describe('How long browsers keep to it: days such as `180d`, or seconds; 0 makes them forget it.'),
      includeSubDomains: flag.default(false).describe('Names below this one too.'),
      preload: flag
        .default(false)
        .describe('Consent to the list that browsers bring: needs `includeSubDomains` and `365d`.'),
    })
    .refine(
      ({ preload, includeSubDomains, maxAge }) =>
        !preload || (includeSubDomains && maxAge >= YEAR_DAYS * DAY_SECONDS),
      { error: 'includeSubDomains and a maxAge of at least 365d with preload' },
    )
}

function acmeSchema(): z.ZodType<AcmeConfig> {
  return z.strictObject({
    directory: matching(/^https:\/\/[^\s]+$/, 'the https URL of a directory').describe(
      'URL of the directory.',
    ),
    email: z
      .exactOptional(matching(/^[^\s@,?]+@[^\s@,?]+$/, 'an e-mail address'))
      .describe('Contact of the account.'),
    hosts: z
      .array(
        certificateName.refine((host) => !host.startsWith('*'), { error: 'a name without wildcard' }),
        {
          error: 'a list of names',
        },
      )
      .min(1, { error: 'at least one name' })
      .max(100, { error: 'at most 100 names' })
      .describe('Names of the certificate. No wildcards: http-01 cannot prove them.'),
    caFile: z
      .exactOptional(file)
      .describe('Authority of the directory’s own certificate, PEM. Absent: the public ones.'),
    renewBefore: days(1, 90)
      .prefault('30d')
      .describe('How long before the end it is renewed, but not before two thirds of its life.'),
    agreeToTerms: z
      .literal(true, { error: 'true, once you agree to the terms of the directory' })
      .describe('`true`: the terms of the directory are agreed to.'),
  })
}

/** Longer than a timer can wait: days as people write them, or seconds. */
function days(min: number, max: number) {
  const error = `days from ${min}d to ${max}d, such as 180d, or as many seconds`
  const written = z
    .string({ error })
    .regex(/^\d{1,5}d$/, { error })
    .transform((found) => Number.parseInt(found, 10) * DAY_SECONDS)
  return z
    .union([z.int({ error }), written], { error })
    .refine((seconds) => seconds >= min * DAY_SECONDS && seconds <= max * DAY_SECONDS, { error })
}

export function upstreamTlsSchema(): z.ZodType<UpstreamTlsConfig> {
  return z
    .strictObject({
      ca: z.exactOptional(file).describe('Authorities that may have signed, PEM. Absent: the public ones.'),
      serverName: z
        .exactOptional(certificateName)
        .describe('Name asked for (SNI) and looked for. Absent: the host of the endpoint.'),
      verify: flag.default(true).describe('`false` takes any certificate: for tests only.'),
      cert: z.exactOptional(file).describe('The gateway’s own certificate chain, PEM, for mutual TLS.'),
      key: z.exactOptional(file).describe('Its private key, PEM.'),
      sans: z
        .exactOptional(
          z
            .array(text('a DNS name, an IP address or a URI'), { error: 'a list of names' })
            .min(1, { error: 'at least one name' }),
        )
        .describe(
          'Names of which the certificate must have one, URIs (`spiffe://…`) too. Absent: `serverName`.',
        ),
      minVersion: minVersion.describe('`TLSv1.2` or `TLSv1.3`.'),
    })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
      error: 'cert and key together, or neither',
    })
}

function hasOneForm(tls: { cert?: string; key?: string; certificates?: unknown[]; acme?: unknown }): boolean {
  const pair = tls.cert !== undefined && tls.key !== undefined
  if (!pair && (tls.cert !== undefined || tls.key !== undefined)) return false
  const several = (tls.certificates?.length ?? 0) > 0
  return Number(pair) + Number(several) + Number(tls.acme !== undefined) === 1
}
