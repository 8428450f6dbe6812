import type { RolloutReport } from '@budao/model'

/** Prometheus text of a gateway’s rollouts, format 0.0.4. */
export function rolloutMetrics(
  rollouts: readonly RolloutReport[],
  shareOf: (name: string) => number,
): string {
  const family = (
    name: string,
    help: string,
    value: (rollout: RolloutReport) => readonly (readonly [labels: string, value: number])[],
  ): string => {
    const samples = rollouts.flatMap((rollout) =>
      value(rollout).map(([labels, number]) => `${name}{rollout="${rollout.name}"${labels}} ${number}\n`),
    )
    return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`
  }
  return (
    family(
      'budao_rollout_share',
      'Share of the users that this gateway gives the release now, 0 to 1.',
      ({ name }) => [['', shareOf(name) / 10_000]],
    ) +
    family(
      'budao_rollout_state',
      '1 for what a rollout is: running, paused, promoted, aborted.',
      ({ phase }) =>
        (['running', 'paused', 'promoted', 'aborted'] as const).map((state) => [
          `,state="${state}"`,
          phase === state ? 1 : 0,
        ]),
    ) +
    family('budao_rollout_blocked', '1 while a release that is bad cannot be sent back.', ({ blocked }) => [
      ['', Number(blocked)],
    ]) +
    family(
      'budao_rollout_analysis',
      '1 for what was found of a number that a rollout is judged by: none, within, outside, silent.',
      ({ analysis }) =>
        analysis.flatMap(({ name, outcome }) =>
          (['none', 'within', 'outside', 'silent'] as const).map(
            (state) => [`,analysis="${name}",state="${state}"`, Number(outcome === state)] as const,
          ),
        ),
    ) +
    family(
      'budao_rollout_evidence',
      'How many times likelier what was seen is if the release is worse than stable, by errors and by latency.',
      ({ verdict }) =>
        verdict === null
          ? []
          : [
              [',of="errors"', verdict.numbers['errorEvidence']!],
              [',of="latency"', verdict.numbers['latencyEvidence']!],
            ],
    )
  )
}
