import type { Config, Problem } from '@budao/model'

/** What is wrong with the files of rules that a configuration names, with their places; `text` is the configuration’s own. */
export async function ruleProblems(
  { alerts }: Pick<Config, 'alerts'>,
  baseDir: string,
  text: string,
  file: string,
): Promise<readonly Problem[]> {
  // Without either nothing can be wrong that the schema has not seen, and nothing needs to be loaded.
  if (alerts === undefined || alerts.rules.length + alerts.inhibit.length === 0) return []
  const { readRules } = await import('@budao/observability')
  const { problems } = await readRules(alerts, baseDir)
  if (problems.length === 0) return []
  const { placeProblem } = await import('@budao/model/parser')
  const place = placeProblem(text, file)
  return problems.map((problem) => ('line' in problem ? problem : place(problem)))
}
