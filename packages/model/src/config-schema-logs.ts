import { z } from 'zod'
import { logEncodings, type LogSinkConfig, type LogsConfig } from './config-logs.ts'
import { choice, type DurationSchema, flag, integer, name, regexText, size, text } from './config-scalars.ts'
import { logParserSchema } from './providers/log-parser-schema.ts'
import { logSinkKinds, logSinkShape } from './providers/log-sink-schema.ts'

export function logsSchema(duration: DurationSchema): z.ZodType<LogsConfig> {
  return z.strictObject({
    files: z
      .array(filesSchema(duration), { error: 'a list of files with how they are read' })
      .default([])
      .describe('Files that are read.'),
    own: flag.default(true).describe('Budao’s own too: events, the audit log, access logs with a `path`.'),
    store: z
      .strictObject({
        search: flag.default(true).describe('Whether records can be searched here, or only wait for sinks.'),
        keep: duration.or('7d').describe('Older ones go.'),
        bytes: size('16MiB', '100000GiB')
          .prefault('4GiB')
          .describe('Most that all take on the disk; the oldest go.'),
        whenFull: choice(['block', 'drop'])
          .default('block')
          .describe('When what no sink has taken yet would have to go: reading waits, or it goes, counted.'),
      })
      .prefault({})
      .describe('Where records are kept to be searched, and wait for sinks: `dataDir/logs`.'),
    sinks: z
      .record(name, sinkSchema(duration), { error: 'sinks by name' })
      .default({})
      .describe('Where records are passed on to, by name.'),
  })
}

function filesSchema(duration: DurationSchema): z.ZodType<LogsConfig['files'][number]> {
  const patterns = z.array(text('the path of a file, with * or without'), { error: 'a list of paths' })
  return z.strictObject({
    paths: patterns
      .min(1, { error: 'at least one path' })
      .describe('Relative to this file, with `*`, `**`, `?`, `[…]`, `{…}`.'),
    exclude: patterns.default([]).describe('Of those, not these.'),
    service: z.exactOptional(text('a name')).describe('`service.name` of their records.'),
    attributes: z
      .record(text('the name of an attribute'), text('a value'), { error: 'attributes with their values' })
      .default({})
      .describe('More attributes of their records.'),
    parser: logParserSchema.default('auto').describe('How a line is read.'),
    encoding: choice(logEncodings).default('utf-8').describe('Of the files.'),
    multiline: z
      .exactOptional(
        z
          .strictObject({
            start: z.exactOptional(regexText).describe('A line that this matches begins a record.'),
            continue: z
              .exactOptional(regexText)
              .describe('A line that this matches belongs to the one before.'),
            lines: integer(2, 10_000).default(500).describe('Most lines of one record.'),
            quiet: duration.or('1s').describe('A record is over when nothing has come for so long.'),
          })
          .refine(({ start, continue: goesOn }) => (start === undefined) !== (goesOn === undefined), {
            error: 'exactly one of start and continue',
          }),
      )
      .describe('Which lines belong together. Absent: each stands for itself.'),
    startAt: choice(['beginning', 'end'])
      .default('beginning')
      .describe('Where a file is begun that was there before Budao first looked.'),
    lineBytes: size('1KiB', '16MiB').prefault('256KiB').describe('Longer lines are cut, and counted.'),
  })
}

function sinkSchema(duration: DurationSchema): z.ZodType<LogsConfig['sinks'][string]> {
  return (
    z
      .strictObject({
        ...logSinkShape,
        filter: z.exactOptional(text('a filter')).describe('Only records that pass. Absent: all.'),
        batch: integer(1, 10_000).default(1_000).describe('Most records of one request.'),
        timeout: duration.or('10s').describe('How long a request may take.'),
      })
      .refine((sink) => logSinkKinds.filter((kind) => Object.hasOwn(sink, kind)).length === 1, {
        error: `exactly one of ${logSinkKinds.join(', ')}`,
      })
      // The check above is what makes it one of them.
      .transform((sink) => sink as unknown as LogSinkConfig)
  )
}
