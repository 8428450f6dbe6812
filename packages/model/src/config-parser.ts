import type { Config } from './config.ts'
import { checkConfig } from './config-checks.ts'
import { ConfigDocument, type Finding } from './config-document.ts'
import { expectation, toProblems } from './config-issues.ts'
import { writtenConfigSchema } from './config-schema.ts'
import { configWarnings } from './config-warnings.ts'
import type { Problem } from './problem.ts'

/** A complete configuration with warnings, or every problem of the text at once. */
export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Adds to what the file says before it is checked: gets its plain value, an object, and gives back another. */
export type Amend = (value: object) => object

/**
 * Reads a configuration from YAML or JSON. `file` is the name problems are reported with. Never throws: whatever is
 * wrong comes back as problems, all of them at once, in the order of the file. Whether files it names exist is not
 * looked at. Problems of what `amend` has added stand where the file is nearest to it.
 */
export function parseConfig(text: string, file: string, amend?: Amend): ParsedConfig {
  const document = readDocument(text, file, amend)
  if ('line' in document) return { ok: false, problems: [document] }
  if (document.value === undefined) return { ok: false, problems: document.problems }

  const parsed = writtenConfigSchema.safeParse(document.value, { error: expectation })
  const problems = [
    ...document.problems,
    ...toProblems(parsed.error?.issues ?? [], document),
    // With the defaults where there are any; what the schema refused is still looked at as it was written.
    ...checkConfig(parsed.data ?? document.value, document),
  ]
  if (parsed.data === undefined || problems.length > 0) return { ok: false, problems: inFileOrder(problems) }
  return { ok: true, config: parsed.data, warnings: inFileOrder(configWarnings(parsed.data, document)) }
}

/**
 * Gives findings about a configuration, such as a file that does not exist, their places in the text. Only for a text
 * that `parseConfig` accepted.
 */
export function placeProblem(text: string, file: string): (finding: Finding) => Problem {
  const document = new ConfigDocument(text, file)
  return (finding) => document.place(finding)
}

function readDocument(text: string, file: string, amend?: Amend): ConfigDocument | Problem {
  try {
    return new ConfigDocument(text, file, amend)
  } catch (error) {
    // The YAML parser recurses: the stack is its only limit on nesting.
    if (error instanceof RangeError)
      return { file, line: 1, column: 1, path: '', message: 'nested too deeply' }
    throw error
  }
}

function inFileOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
