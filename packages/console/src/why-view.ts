import type { SiteVerdict, UnitReport } from '@budao/model'
import { el } from './element.ts'
import type { Element, Node } from './element.ts'
import { ageText, whyText } from './failover-state.ts'
import { verdictBadge } from './failover-view.ts'
import { formatMs } from './format.ts'
import { row, table } from './table.ts'
import type { Words } from './words.ts'

/** Everything that makes a unit what it is: whose words made the verdict on each site. */
export function whyView(report: UnitReport, words: Words): Node[] {
  const { why } = report
  const said = whyText(report, words)
  const evidence = Object.entries(why?.evidence ?? {}).map(([name, value]) =>
    el('span', { class: 'evidence' }, `${name} `, el('b', null, String(value))),
  )
  return [
    el(
      'p',
      { 'data-why': why?.code ?? '' },
      said,
      why !== null && said !== why.message && el('span', { class: 'quiet' }, ` ${why.message}`),
    ),
    ...(evidence.length > 0 ? [el('p', { class: 'evidences' }, evidence)] : []),
    ...report.verdicts.map((verdict) => votes(verdict, report, words)),
  ]
}

function votes({ site, state, code, votes: all }: SiteVerdict, report: UnitReport, words: Words): Element {
  const titles = [words.observer, words.domain, words.says, words.vote, words.causes, words.age, words.silent]
  const back = report.returning.find((each) => each.site === site)
  return el(
    'div',
    { class: 'service', 'data-votes': site },
    el(
      'div',
      { class: 'line head' },
      el('h3', null, site),
      verdictBadge(state, words),
      el('span', { class: 'quiet' }, words.verdictCodes[code]),
      back !== undefined &&
        el(
          'span',
          { class: 'quiet' },
          `${words.wayBack}: ${words.stages[back.stage]} · ${formatMs(back.sinceMs)}`,
        ),
    ),
    table(
      site,
      titles,
      all.map((vote) =>
        row({ 'data-key': vote.observer, 'data-vote': vote.observer }, titles, [
          vote.observer,
          vote.domain,
          verdictBadge(vote.state, words),
          words.votesBy[vote.use],
          vote.causes.join(' · '),
          formatMs(vote.ageMs),
          ageText(vote.silentMs, words),
        ]),
      ),
    ),
  )
}
