import type { AlertLanguage } from '@budao/model'
import { formatValue } from '../rules/template.ts'
import { commonOf, severityOf, type Notification, type NotifiedAlert } from './notification.ts'

/** A message as channels put it together: a title and paragraphs, each without line ends. */
export interface MessageText {
  readonly title: string
  /** One block of lines for each alert, those that matter most first. */
  readonly blocks: readonly (readonly string[])[]
  /** Links and how many were left out. */
  readonly footer: readonly string[]
}

interface Words {
  readonly firing: string
  readonly resolved: string
  readonly repeat: string
  readonly escalation: string
  readonly digest: string
  value(value: string): string
  recovered(value: string): string
  lasted(duration: string): string
  since(time: string): string
  readonly runbook: string
  readonly acknowledge: string
  more(count: number): string
}

const words: Readonly<Record<AlertLanguage, Words>> = {
  en: {
    firing: 'FIRING',
    resolved: 'RESOLVED',
    repeat: 'STILL FIRING',
    escalation: 'NOBODY HAS ACKNOWLEDGED',
    digest: 'DIGEST',
    value: (value) => `value ${value}`,
    recovered: (value) => `recovered at ${value}`,
    lasted: (duration) => `was firing for ${duration}`,
    since: (time) => `since ${time}`,
    runbook: 'Runbook',
    acknowledge: 'Acknowledge',
    more: (count) => `… and ${count} more`,
  },
  'zh-CN': {
    firing: '告警触发',
    resolved: '告警恢复',
    repeat: '告警持续',
    escalation: '告警升级：尚无人确认',
    digest: '告警汇总',
    value: (value) => `当前值 ${value}`,
    recovered: (value) => `恢复时的值 ${value}`,
    lasted: (duration) => `持续 ${duration}`,
    since: (time) => `开始于 ${time}`,
    runbook: '处理手册',
    acknowledge: '确认告警',
    more: (count) => `…… 另有 ${count} 条`,
  },
}

/** The words of a message in a language. */
export function messageText(notification: Notification, language: AlertLanguage): MessageText {
  const { alerts, reason, status, firing, resolved, ackUrl, truncated } = notification
  const say = words[language]
  const state =
    reason === 'escalation'
      ? say.escalation
      : reason === 'digest'
        ? say.digest
        : status === 'resolved'
          ? say.resolved
          : reason === 'repeat'
            ? say.repeat
            : say.firing
  const name = commonOf(alerts.map(({ labels }) => labels))['alertname'] ?? notification.groupKey
  const count = status === 'resolved' ? resolved : firing
  const title = `[${state}${count > 1 || reason === 'digest' ? ` ×${count}` : ''}] ${severityOf(notification)} ${name}`
  const common = commonOf(alerts.map(({ annotations }) => annotations))
  const footer = [
    ...(common['runbook_url'] === undefined ? [] : [`${say.runbook}: ${common['runbook_url']}`]),
    ...(ackUrl === null ? [] : [`${say.acknowledge}: ${ackUrl}`]),
  ]
  return {
    title: oneLine(title),
    blocks: alerts.map((alert) => blockOf(alert, say)),
    footer: [...(truncated > 0 ? [say.more(truncated)] : []), ...footer.map(oneLine)],
  }
}

/** The message as lines, as many alerts as fit into so many bytes of UTF-8; says how many were left out. */
export function fitText(
  { title, blocks, footer }: MessageText,
  language: AlertLanguage,
  bytesMax: number,
  render: (title: string, lines: readonly string[]) => string,
): string {
  for (let shown = blocks.length; shown > 0; shown = shown > 8 ? Math.floor(shown * 0.8) : shown - 1) {
    const left = blocks.length - shown
    const more = left > 0 ? [words[language].more(left)] : []
    const text = render(title, [...blocks.slice(0, shown).flat(), ...more, ...footer])
    if (Buffer.byteLength(text) <= bytesMax) return text
  }
  // Not even one alert fits: its title does.
  return cut(render(title, footer), bytesMax)
}

/** As many whole characters as fit. */
export function cut(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text
  let bytes = Buffer.byteLength('…')
  let kept = ''
  for (const char of text) {
    bytes += Buffer.byteLength(char)
    if (bytes > bytesMax) break
    kept += char
  }
  return `${kept}…`
}

function blockOf(alert: NotifiedAlert, say: Words): string[] {
  const { status, labels, annotations, value, recoveredValue, startsAt, endsAt } = alert
  const summary = annotations['summary'] ?? annotations['description'] ?? labels['alertname'] ?? ''
  const others = Object.entries(labels).filter(([name]) => name !== 'alertname' && name !== 'severity')
  const facts =
    status === 'firing'
      ? [say.value(formatValue(value)), say.since(shortTime(startsAt))]
      : [
          say.lasted(durationOf(Date.parse(endsAt!) - Date.parse(startsAt))),
          ...(recoveredValue === null ? [] : [say.recovered(formatValue(recoveredValue))]),
        ]
  const about = others.map(([name, label]) => `${name}=${label}`)
  return [
    `${status === 'firing' ? '🔴' : '🟢'} ${oneLine(summary)}`,
    oneLine(`   ${[...about, ...facts].join(' · ')}`),
  ]
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').slice(0, 500)
}

function shortTime(instant: string): string {
  return `${instant.slice(0, 19).replace('T', ' ')}Z`
}

function durationOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m${seconds % 60 === 0 ? '' : `${seconds % 60}s`}`
  return `${Math.floor(minutes / 60)}h${minutes % 60 === 0 ? '' : `${minutes % 60}m`}`
}
