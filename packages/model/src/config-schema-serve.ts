import { z } from 'zod'
import { type DurationSchema, exactlyOne, file, hostName, integer, number } from './config-scalars.ts'
import type { ServeConfig, TelemetryConfig } from './config-serve.ts'

export function serveSchema(_duration: DurationSchema): z.ZodType<ServeConfig> {
  return exactlyOne<ServeConfig>({
    ping: z.strictObject({}).describe('204 to whoever asks whether the gateway is there.'),
    telemetry: telemetrySchema().describe('Takes what apps have seen of their calls.'),
  })
}

function telemetrySchema(): z.ZodType<TelemetryConfig> {
  return z.strictObject({
    path: z
      .exactOptional(file)
      .describe('A file of JSON lines, opened again when it was moved away. Absent: calls are only counted.'),
    sampleRatio: number(0, 1)
      .default(1)
      .describe('Share of the calls that is written, 0 to 1; those that failed always are.'),
    bytes: integer(1_024, 1_048_576).default(65_536).describe('Largest batch, bytes.'),
    calls: integer(1, 1_000).default(100).describe('Most calls in a batch.'),
    rate: integer(1, 1_000_000)
      .default(1_000)
      .describe('Batches a second, all workers together; what is above gets 429.'),
    channels: z
      .array(hostName, { error: 'a list of host names' })
      .max(16, { error: 'at most 16 hosts' })
      .default([])
      .describe('Hosts of channels that are counted by name; all others are `other`.'),
  })
}
