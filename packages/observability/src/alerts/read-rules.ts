import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { formatPath, formatProblem, type AlertsConfig, type Problem } from '@budao/model'
import type { Finding } from '@budao/model/parser'
import { parseRules } from '../rules/rule-file.ts'
import type { AlertRule } from '../rules/rule.ts'
import { builtInRules } from './builtin-rules.ts'
import { parseMatcher } from './matcher.ts'

/** Wrong in a file of rules, with its place there, or in the configuration, whose text gives it its place. */
export type RuleProblem = Problem | Finding

/** The rules that a configuration names, and what is wrong with them: with a problem nothing of it may be used. */
export interface ReadRules {
  readonly rules: readonly AlertRule[]
  readonly problems: readonly RuleProblem[]
}

/** Reads the files of rules, and checks whom they name, and the matchers of the configuration. */
export async function readRules(config: AlertsConfig, baseDir: string): Promise<ReadRules> {
  const problems: RuleProblem[] = []
  const rules: AlertRule[] = []
  const taken = new Map<string, string>()
  for (const { name } of config.builtIn ? builtInRules() : []) taken.set(name, 'by Budao')
  for (const [index, file] of config.rules.entries()) {
    const path = ['alerts', 'rules', index]
    let text: string
    try {
      text = await readFile(resolve(baseDir, file), 'utf8')
    } catch (error) {
      const message =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message
      problems.push({ path, message, found: JSON.stringify(file) })
      continue
    }
    const parsed = parseRules(text, file, {
      receivers: Object.keys(config.receivers),
      mail: config.smtp !== undefined,
      taken,
    })
    if (!parsed.ok) problems.push(...parsed.problems)
    else
      for (const rule of parsed.rules) {
        taken.set(rule.name, `in ${file}`)
        rules.push(rule)
      }
  }
  for (const [index, inhibit] of config.inhibit.entries())
    for (const side of ['source', 'target'] as const)
      for (const [at, text] of inhibit[side].entries())
        try {
          parseMatcher(text)
        } catch (error) {
          problems.push({ path: ['alerts', 'inhibit', index, side, at], message: (error as Error).message })
        }
  return { rules, problems }
}

/** In one line; what stands in the configuration by its path alone. */
export function ruleProblemText(problem: RuleProblem): string {
  if ('line' in problem) return formatProblem(problem)
  const found = problem.found === undefined ? '' : `: found ${problem.found}`
  return `${formatPath(problem.path)}: ${problem.message}${found}`
}
