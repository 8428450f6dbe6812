import type { DrillMove } from '../moves.ts'
import type { DrillReport } from '../drill-report.ts'
import type { Moment } from './moments.ts'
import { escapeHtml, number, since, t, time } from './text.ts'
import type { Bilingual } from './text.ts'

type Pair = readonly [english: string, chinese: string]

const kindWords: Readonly<Record<DrillMove['kind'], Pair>> = {
  failover: ['failover', '故障切换'],
  switchover: ['switchover', '计划切换'],
  failback: ['failback', '回切'],
}

const stepWords: Readonly<Record<string, Pair>> = {
  fencing: ['the old right ends', '旧任期作废'],
  draining: ['the old site finishes, the new one catches up', '旧站点收尾，新站点追平'],
  waiting: ['until the old site has surely stopped', '等待旧站点确定停止写入'],
  restoring: ['data goes back to a consistent position', '数据回到一致位点'],
  granting: ['the new right is granted', '授予新任期'],
  claiming: ['the new site takes it', '新站点接手'],
  publishing: ['all gateways are told', '通知全部网关'],
}

/** What was moved, in a sentence for whoever reads no further; empty where nothing was. */
export function movesStory({ moves, home, away }: DrillReport): Pair {
  const done = (moves ?? []).filter(({ outcome }) => outcome === 'done')
  const failovers = done.filter(({ kind }) => kind === 'failover')
  if (failovers.length === 0) return ['', '']
  const last = failovers.at(-1)!
  const names = [...new Set(failovers.map(({ unit }) => unit))].join(', ')
  const after = time(endOf(last))
  const back: Pair =
    home === true
      ? [' Afterwards everything went home again.', '事后全部回切到原站点。']
      : away.length > 0
        ? [` ${away.join(', ')} is still elsewhere.`, `${away.join('、')} 仍在其他站点。`]
        : ['', '']
  return [
    ` The right to write ${names} went from ${last.from} to ${last.to}, ${after} after the fault.${back[0]}`,
    `${names} 的写入权在故障后 ${after} 由 ${last.from} 转到 ${last.to}。${back[1]}`,
  ]
}

/** The same as moments of the run. */
export function momentsOfMoves({ moves }: DrillReport): Moment[] {
  return (moves ?? []).flatMap((move): Moment[] => {
    const { unit, kind, from, to, beganMs, toEpoch, outcome } = move
    const [english, chinese] = kindWords[kind]
    const epoch: Pair = toEpoch === null ? ['', ''] : [`, epoch ${toEpoch}`, `，任期 ${toEpoch}`]
    return [
      {
        ms: beganMs,
        kind: 'noticed',
        text: t(`${unit}: ${english} to ${to} is decided.`, `${unit}：决定${chinese}到 ${to}。`),
      },
      ...(outcome === 'done'
        ? [
            {
              ms: endOf(move),
              kind: 'good' as const,
              text: t(`${unit} is at ${to}${epoch[0]}.`, `${unit} 已在 ${to}${epoch[1]}。`),
            },
          ]
        : outcome === null
          ? []
          : [
              {
                ms: endOf(move),
                kind: 'bad' as const,
                text: t(`${unit} stays at ${from}.`, `${unit} 留在 ${from}。`),
              },
            ]),
    ]
  })
}

/** Each move, step by step, and in which epochs writes were acknowledged. */
export function movesSection(report: DrillReport): string {
  const { moves, writes } = report
  if (moves === null) return ''
  const rows = moves.map((move) => {
    const { unit, kind, from, to, fromEpoch, toEpoch, by, reason, lossMs, outcome } = move
    const who = by === 'automatic' ? t('by itself', '自动') : escapeHtml(by)
    const loss =
      lossMs === null ? t('not known', '未知') : lossMs === 0 ? t('nothing', '无') : `≤ ${time(lossMs)}`
    const epochs = `${fromEpoch} → ${outcome === 'done' ? (toEpoch ?? '?') : '–'}`
    return `<tr><th>${escapeHtml(unit)}<small>${t(...kindWords[kind])}, ${who}: ${escapeHtml(reason)}</small></th><td>${escapeHtml(`${from} → ${to}`)}</td><td>${epochs}</td><td>${since(move.beganMs)}</td><td>${outcome === null ? '–' : since(endOf(move))}</td><td>${loss}</td></tr>`
  })
  const steps = moves.map(
    (move) =>
      `<details><summary>${escapeHtml(move.unit)}: ${t(...kindWords[move.kind])}</summary><ol class="steps">${move.steps
        .map(
          ({ step, ms }) => `<li><time>${since(ms)}</time> ${t(...(stepWords[step] ?? [step, step]))}</li>`,
        )
        .join('')}</ol></details>`,
  )
  const table =
    moves.length === 0
      ? `<p>${t('The right to write did not move.', '写入权没有转移。')}</p>`
      : `<div class="wide"><table class="moves"><thead><tr><th>${t('unit', '单元')}</th><th>${t('way', '方向')}</th><th>${t('epoch', '任期')}</th><th>${t('decided', '决定')}</th><th>${t('there', '到位')}</th><th>${t('may be lost', '可能丢失')}</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div>${steps.join('\n')}`
  return `<section><h2>${t('Who might write', '谁有权写入')}</h2>${table}${epochTable(writes)}</section>`
}

function epochTable(writes: DrillReport['writes']): string {
  if (writes === null || writes.named === 0) return ''
  const rows = writes.units.flatMap(({ unit, epochs }) =>
    epochs.map(
      ({ epoch, acknowledged }) =>
        `<tr><th>${escapeHtml(unit)}</th><td>${epoch}</td><td>${number(acknowledged)}</td></tr>`,
    ),
  )
  return `<p class="kinds">${t(
    `Of ${number(writes.named)} acknowledged writes the gateway that did them said the epoch:`,
    `${number(writes.named)} 个已确认写入由执行它的网关注明任期：`,
  )}</p><div class="wide"><table><thead><tr><th>${t('unit', '单元')}</th><th>${t('epoch', '任期')}</th><th>${t('acknowledged', '已确认')}</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function endOf({ steps, beganMs }: DrillMove): number {
  return steps.at(-1)?.ms ?? beganMs
}

/** For the tile of a drill that takes no endpoint out of the traffic. */
export function decidedMs({ moves }: DrillReport): number | null {
  return moves?.find(({ kind }) => kind === 'failover')?.beganMs ?? null
}

/** Why the note under that tile. */
export const decidedNote: Bilingual = t('the move was decided', '决定切换')
