import { hostname } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import type { LogFilesConfig } from '@budao/model'
import { parserOf } from '../record/providers/parser-of.ts'
import type { MultilineRule } from './chunk-lines.ts'
import { LogInput } from './log-input.ts'

/** Files as they are read; what their records have in common. */
export interface LogFilesPlan extends LogFilesConfig {
  /** Absolute. */
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
}

/** Files of a configuration with absolute paths. */
export function planFiles(files: LogFilesConfig, baseDir: string): LogFilesPlan {
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(baseDir, path))
  return { ...files, paths: files.paths.map(absolute), exclude: files.exclude.map(absolute) }
}

/** What reads them. Throws for a format or a pattern that cannot be. */
export function inputOf(plan: LogFilesPlan): LogInput {
  const { service, attributes } = plan
  return new LogInput({
    paths: plan.paths,
    exclude: plan.exclude,
    parse: parserOf(plan.parser),
    origin: {
      resource: { ...(service === undefined ? {} : { 'service.name': service }), 'host.name': hostname() },
      attributes,
    },
    startAt: plan.startAt,
    encoding: plan.encoding,
    lineBytesMax: plan.lineBytes,
    multiline: plan.multiline === undefined ? null : ruleOf(plan.multiline),
  })
}

function ruleOf({
  start,
  continue: goesOn,
  lines,
  quiet,
}: NonNullable<LogFilesConfig['multiline']>): MultilineRule {
  const pattern = new RegExp((start ?? goesOn)!, 'u')
  const begins = start !== undefined
  return { begins: (line) => pattern.test(line) === begins, linesMax: lines, quietMs: quiet }
}
