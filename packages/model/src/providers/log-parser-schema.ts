import { z } from 'zod'
import { choice, text } from '../config-scalars.ts'
import { type LogParserConfig, logParserNames } from './log-parser.ts'

/** The schema of `logs.files[].parser`. */
export const logParserSchema: z.ZodType<LogParserConfig> = z.union(
  [
    choice(logParserNames),
    z.strictObject({
      nginx: z
        .strictObject({
          format: text('what log_format says').describe('As `log_format` says it, on one line.'),
        })
        .describe('Lines of an access log.'),
    }),
  ],
  { error: `one of ${logParserNames.join(', ')}, or nginx with its format` },
)
