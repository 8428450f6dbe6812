import type { Config, Problem } from '@budao/model'

/** What is wrong with conditions over logs that rollouts are judged by, with their places; `text` is the configuration’s own. */
export async function analysisProblems(
  { rollouts }: Pick<Config, 'rollouts'>,
  text: string,
  file: string,
): Promise<readonly Problem[]> {
  const conditions = Object.entries(rollouts).flatMap(([rollout, { release, analysis }]) =>
    Object.entries(analysis).flatMap(([name, { log }]) =>
      log === undefined ? [] : [{ path: ['rollouts', rollout, 'analysis', name, 'log'], log, release }],
    ),
  )
  // Loaded only where there are any.
  if (conditions.length === 0) return []
  const [{ logNumberProblem }, { placeProblem }] = await Promise.all([
    import('@budao/observability'),
    import('@budao/model/parser'),
  ])
  const place = placeProblem(text, file)
  return conditions.flatMap(({ path, log, release }) => {
    const problem = logNumberProblem(log.replaceAll('$release', release))
    return problem === null ? [] : [place({ path, message: 'bad condition', ...problem })]
  })
}
