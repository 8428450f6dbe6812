import type { LogParserConfig } from '@budao/model'
import { autoParser } from '../auto-parser.ts'
import { jsonParser } from '../json-parser.ts'
import type { LineParser } from '../line-parser.ts'
import { logfmtParser } from '../logfmt-parser.ts'
import { plainParser } from '../plain-parser.ts'
import { combinedFormat, nginxParser } from './nginx-parser.ts'

/** The parser that a configuration names. Throws for a format that cannot be read back. */
export function parserOf(config: LogParserConfig): LineParser {
  if (typeof config === 'object') return nginxParser(config.nginx.format)
  switch (config) {
    case 'auto':
      return autoParser
    case 'json':
    case 'pino':
      return jsonParser
    case 'logfmt':
      return logfmtParser
    case 'plain':
      return plainParser
    case 'nginx':
      return nginxParser(combinedFormat)
  }
}
