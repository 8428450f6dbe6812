import { formatNumber } from './format.ts'

/** What the page says of the last minutes and of data between the sites, in one language. */
export type SeriesWords = typeof englishSeries

export const englishSeries = {
  series: (span: string): string => `The last ${span}`,
  seriesRequests: 'Requests/s',
  seriesFailures: 'Failures/s',
  seriesP99: 'p99 of the slowest endpoint',
  seriesNow: (site: string, now: string, least: string, most: string): string =>
    `${site}: now ${now}, between ${least} and ${most}`,
  seriesNone: 'no numbers',
  seriesMore: (count: number): string => `and ${count} more sites`,
  replication: 'Data between the sites',
  replicationAway: (problem: string): string => `The replicator does not answer: ${problem}`,
  replicationWaiting: 'The replicator has not answered yet.',
  replicationFine: 'all directions flow',
  replicationSaid: (url: string, span: string): string => `${url}, ${span} ago`,
  replicationDirection: 'Direction',
  replicationBehind: 'Not there yet',
  replicationEntries: (count: number): string =>
    `${formatNumber(count)} ${count === 1 ? 'entry' : 'entries'}`,
  replicationRpo: 'May be lost (RPO)',
  replicationNothing: 'nothing',
  replicationLastOf: (span: string): string => `writes of the last ${span}`,
  replicationLag: 'Lag p50 / p99',
  replicationHere: (span: string): string => `all before ${span} ago is here`,
  replicationSilent: 'Last heard',
  replicationApplied: 'Applied',
  replicationConflicts: 'Conflicts',
  replicationParked: 'Dead letters',
  replicationDegraded: 'sync writes go on without it',
  replicationRefused: (count: number): string =>
    `${formatNumber(count)} writes refused: their epoch had ended`,
  replicationStates: {
    running: 'running',
    retrying: 'trying again',
    'log-full': 'log full',
    stopped: 'stopped',
    resyncing: 'resyncing',
  },
  replicationDeadLetters: (count: number): string =>
    `${formatNumber(count)} ${count === 1 ? 'change' : 'changes'} could not be applied: see docs/operating/replication.md`,
  replicationEnded: (origin: string, count: number): string =>
    `${formatNumber(count)} writes of ${origin} came after their epoch had ended, and wait for a person`,
  replicationPaused: (table: string, why: string): string => `table ${table} is paused: ${why}`,
  replicationOutbox: (backlog: number, outbox: number, log: number | null): string =>
    `${formatNumber(backlog)} events not in the log yet; outbox ${Math.round(outbox)} % full` +
    (log === null ? '' : `, log ${Math.round(log)} % full`),
  replicationResync: (kind: string, from: string, phase: string): string => `${kind} from ${from}: ${phase}`,
  replicationRows: (rows: number, total: number): string =>
    `${formatNumber(rows)} of ${formatNumber(total)} rows`,
  replicationLost: (count: number): string => `${formatNumber(count)} writes of this site did not make it`,
  replicationUndone: (count: number): string => `${formatNumber(count)} rows undone`,
  replicationDifferent: (count: number): string => `${formatNumber(count)} rows differ`,
}

export const chineseSeries: SeriesWords = {
  series: (span) => `最近 ${span}`,
  seriesRequests: '请求/秒',
  seriesFailures: '失败/秒',
  seriesP99: '最慢端点的 p99',
  seriesNow: (site, now, least, most) => `${site}：当前 ${now}，介于 ${least} 与 ${most} 之间`,
  seriesNone: '没有数据',
  seriesMore: (count) => `另有 ${count} 个站点`,
  replication: '站点间数据',
  replicationAway: (problem) => `复制器没有应答：${problem}`,
  replicationWaiting: '复制器尚未应答。',
  replicationFine: '各方向正常流动',
  replicationSaid: (url, span) => `${url}，${span} 前`,
  replicationDirection: '方向',
  replicationBehind: '尚未到达',
  replicationEntries: (count) => `${formatNumber(count)} 条`,
  replicationRpo: '可能丢失（RPO）',
  replicationNothing: '无',
  replicationLastOf: (span) => `最近 ${span} 的写入`,
  replicationLag: '延迟 p50 / p99',
  replicationHere: (span) => `${span} 之前的都已到达`,
  replicationSilent: '最近应答',
  replicationApplied: '已应用',
  replicationConflicts: '冲突',
  replicationParked: '死信',
  replicationDegraded: 'sync 写入不再等待它',
  replicationRefused: (count) => `拒绝 ${formatNumber(count)} 条写入：其任期已结束`,
  replicationStates: {
    running: '运行中',
    retrying: '重试中',
    'log-full': '日志已满',
    stopped: '已停止',
    resyncing: '重新同步中',
  },
  replicationDeadLetters: (count) =>
    `${formatNumber(count)} 条变更无法应用：见 docs/operating/replication.md`,
  replicationEnded: (origin, count) =>
    `${origin} 有 ${formatNumber(count)} 条写入在任期结束后到达，等待人工处理`,
  replicationPaused: (table, why) => `表 ${table} 已暂停：${why}`,
  replicationOutbox: (backlog, outbox, log) =>
    `${formatNumber(backlog)} 条事件尚未写入日志；发件箱 ${Math.round(outbox)} %` +
    (log === null ? '' : `，日志 ${Math.round(log)} %`),
  replicationResync: (kind, from, phase) => `从 ${from} ${kind}：${phase}`,
  replicationRows: (rows, total) => `${formatNumber(rows)} / ${formatNumber(total)} 行`,
  replicationLost: (count) => `本站点有 ${formatNumber(count)} 条写入未能保留`,
  replicationUndone: (count) => `撤销 ${formatNumber(count)} 行`,
  replicationDifferent: (count) => `${formatNumber(count)} 行不一致`,
}
