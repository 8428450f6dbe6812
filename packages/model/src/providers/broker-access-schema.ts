import { z } from 'zod'
import { choice, file, text } from '../config-scalars.ts'
import { secretSchema } from '../config-schema-serve.ts'
import { brokerMechanisms, type BrokerSaslConfig, type BrokerTlsConfig } from './broker-access.ts'

/** Keys of everything that speaks to brokers. */
export const brokerAccessShape: {
  readonly tls: z.ZodExactOptional<z.ZodType<BrokerTlsConfig>>
  readonly sasl: z.ZodExactOptional<z.ZodType<BrokerSaslConfig>>
} = {
  tls: z
    .exactOptional(
      z.strictObject({
        ca: z.exactOptional(file).describe('Certificate authority, PEM. Absent: those of the system.'),
        cert: z.exactOptional(file).describe('Certificate of this client, PEM, where brokers ask for one.'),
        key: z.exactOptional(file).describe('Its key, PEM.'),
      }),
    )
    .describe('Brokers are spoken to over TLS, and must be who their address says. Absent: in the clear.'),
  sasl: z
    .exactOptional(
      z.strictObject({
        mechanism: choice(brokerMechanisms).describe('`plain`, `scram-sha-256` or `scram-sha-512`.'),
        user: text().describe('Who asks.'),
        password: secretSchema().describe('Where its password is.'),
      }),
    )
    .describe('How brokers know who asks. Absent: nobody in particular.'),
}
