import { chineseAlerts, englishAlerts, type AlertWords } from './alert-words.ts'
import { chineseDrills, englishDrills, type DrillWords } from './drill-words.ts'
import { chineseEvents, englishEvents, type EventWords } from './event-words.ts'
import { chineseFailover, englishFailover, type FailoverWords } from './failover-words.ts'
import { formatNumber } from './format.ts'
import { chineseLogs, englishLogs, type LogWords } from './log-words.ts'
import { chineseReleases, englishReleases, type ReleaseWords } from './release-words.ts'
import { chineseSeries, englishSeries, type SeriesWords } from './series-words.ts'

/** Everything the page says, in one language. */
export type Words = typeof englishPage &
  FailoverWords &
  DrillWords &
  LogWords &
  AlertWords &
  ReleaseWords &
  SeriesWords

const englishPage = {
  skip: 'Skip to the state',
  reload: 'Reload configuration',
  otherLanguage: '中文',
  pagesTitle: 'Pages',
  pages: { overview: 'Overview', releases: 'Releases', alerts: 'Alerts', logs: 'Logs' },
  alertsFiring: (count: number): string => `${count} firing`,
  alertFires: (name: string, severity: string, count: number): string =>
    `Alert ${name} fires (${severity}${count > 1 ? `, ${count} of them` : ''})`,

  allUp: 'Everything is up',
  attention: 'Serving, but something needs attention',
  servicesDown: (names: readonly string[]): string =>
    `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} down`,
  sitesDown: (down: readonly string[], serving: readonly string[]): string =>
    `Site ${down.join(', ')} is down; ${serving.length === 0 ? 'no site serves' : `${serving.join(', ')} serves`}`,
  servicesDegraded: (names: readonly string[]): string =>
    `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} degraded`,
  gatewayIs: (state: string): string => `This gateway is ${state}`,

  what: 'What is broken',
  nothing: 'Nothing.',
  who: 'Who notices (last 30 s)',
  did: 'What Budao did by itself (last 15 min)',
  didNothing: 'Nothing: there was no need.',
  more: (count: number): string => `and ${count} more`,
  endpointOut: (address: string, site: string, state: string, why: string): string =>
    `${address} (${site}) is ${state}${why === '' ? '' : `: ${why}`}`,
  breakerIs: (name: string, state: string): string => `breaker of ${name} is ${state}`,
  panic: (service: string): string =>
    `${service} has so few healthy endpoints that health is ignored (panic)`,
  workerCrashed: (id: number): string => `worker ${id} crashed`,
  configRefused: (version: number): string =>
    `the new configuration was refused; snapshot ${version} goes on`,
  semicolon: '; ',
  measuring: 'Measuring…',
  nobody: 'Nobody: every request was answered.',
  noTraffic: 'Nobody: there are no requests.',
  hiddenByRetries: (rate: number): string => `Nobody: ${formatNumber(rate)} retries/s hide it.`,
  seeErrors: (route: string, rate: number, percent: number): string =>
    `Users of ${route} see ${formatNumber(rate)} errors/s (${formatNumber(percent)} %)`,
  seeFallbacks: (route: string, rate: number): string =>
    `Users of ${route} get ${formatNumber(rate)} fallback answers/s, no errors`,

  sites: 'Sites',
  services: 'Services',
  routes: 'Routes',
  events: 'Recent events',
  noEvents: 'No events yet.',
  noServices: 'The configuration names no services.',
  noRoutes: 'The configuration names no routes.',
  usableOf: (usable: number, total: number): string => `${usable} of ${total} endpoints usable`,
  perSecond: 'requests/s',
  endpoint: 'Endpoint',
  site: 'Site',
  state: 'State',
  breaker: 'Breaker',
  inFlight: 'In flight',
  rate: 'Req/s',
  latency: 'Latency',
  failures: 'Failures',
  ofTotal: (failures: number, total: number): string => `${formatNumber(failures)} of ${formatNumber(total)}`,
  change: 'Change…',
  drain: 'Drain…',
  undrain: 'Put back…',
  drainOf: (name: string): string => `Drain ${name}`,
  undrainOf: (name: string): string => `Put ${name} back`,
  drained: (name: string): string => `${name} gets no new requests`,
  undrained: (name: string): string => `${name} gets requests again`,
  drainHint:
    'Drained, it gets no new requests; those under way finish. It stays so until somebody puts it back.',
  drainForce: 'Do it all the same: users will get the fallback or 503.',
  changeBreaker: (name: string): string => `Change the breaker of ${name}`,
  serviceBreaker: 'breaker',
  serviceFacts: (mode: string, balance: string): string => `${mode} · ${balance}`,
  release: (name: string): string => `release ${name}`,
  route: 'Route',
  retries: 'Retries',
  fallbacks: 'Fallbacks',

  checksFail: 'health checks fail',
  ejectedFor: (seconds: number): string => `after failed requests, for ${seconds} s more`,
  breakerCounts: (failures: number, calls: number): string => `${failures} of ${calls} calls failed`,
  underWay: (count: number): string => `${count} ${count === 1 ? 'request' : 'requests'} under way`,
  resolvedFrom: (name: string): string => `from ${name}`,
  registered: (seconds: number): string =>
    seconds === 0 ? 'registered, its lease has ended' : `registered, lease ends in ${seconds} s`,
  notResolved: (name: string, problem: string): string => `${name} cannot be resolved: ${problem}`,

  nodeAt: (name: string, site: string): string => `${name} at ${site}`,
  snapshot: (version: number): string => `snapshot ${version}`,
  snapshotFrom: (source: string, time: string): string => `from ${source}, applied ${time}`,
  version: (version: string): string => `Budao ${version}`,
  upFor: (span: string): string => `up ${span}`,
  refusedTitle: (time: string): string => `Configuration refused at ${time}`,
  ago: (span: string): string => `${span} ago`,

  connecting: 'Asking the gateway…',
  unreachable: 'The gateway’s admin API does not answer',
  unreachableSince: (time: string, span: string): string => `Since ${time} (${span}).`,
  lastSeen: (time: string): string => `Below is what it said at ${time}; it may have changed.`,
  triesAgain: 'This page keeps trying. The gateway may still serve users.',
  paused: 'Paused while this page is hidden.',

  breakerTo: 'Put it',
  toOpen: 'open: no request reaches it',
  toClosed: 'closed: requests reach it whatever happens',
  toAuto: 'auto: give it back to its own rules',
  lastUsable: 'Nothing else answers for this service: its users will get the fallback or 503.',
  reason: 'Reason, for the audit log',
  cancel: 'Cancel',
  confirm: 'Confirm',
  changed: (name: string, to: string): string => `Breaker of ${name}: ${to}`,
  reloaded: (version: number | null): string => `Configuration applied: snapshot ${version ?? '?'}`,
  tokenTitle: 'A token is needed',
  tokenField: 'Viewer or operator token',
  tokenHint: 'From admin.tokens of the configuration. Kept in this tab only.',
  tokenUse: 'Use it',

  states: {
    up: 'up',
    degraded: 'degraded',
    down: 'down',
    drained: 'drained',
    usable: 'usable',
    unhealthy: 'unhealthy',
    ejected: 'ejected',
    open: 'open',
    closed: 'closed',
    'half-open': 'half-open',
    'forced-open': 'forced open',
    'forced-closed': 'forced closed',
    starting: 'starting',
    serving: 'serving',
    draining: 'draining',
    crashed: 'crashed',
    info: 'info',
    warning: 'warning',
    critical: 'critical',
  },

  kinds: englishEvents as EventWords,
}

const english: Words = {
  ...englishPage,
  ...englishFailover,
  ...englishDrills,
  ...englishLogs,
  ...englishAlerts,
  ...englishReleases,
  ...englishSeries,
}

const chinese: Words = {
  skip: '跳到状态',
  reload: '重新加载配置',
  otherLanguage: 'English',
  pagesTitle: '页面',
  pages: { overview: '总览', releases: '发布', alerts: '告警', logs: '日志' },
  alertsFiring: (count) => `${count} 条触发中`,
  alertFires: (name, severity, count) =>
    `告警 ${name} 触发中（${severity}${count > 1 ? `，共 ${count} 条` : ''}）`,

  allUp: '一切正常',
  attention: '正在服务，但有情况需要处理',
  servicesDown: (names) => `服务 ${names.join('、')} 不可用`,
  sitesDown: (down, serving) =>
    `站点 ${down.join('、')} 不可用；${serving.length === 0 ? '没有站点在服务' : `由 ${serving.join('、')} 提供服务`}`,
  servicesDegraded: (names) => `服务 ${names.join('、')} 部分可用`,
  gatewayIs: (state) => `本网关${state}`,

  what: '哪里坏了',
  nothing: '没有。',
  who: '谁会察觉（最近 30 秒）',
  did: '不倒自动做了什么（最近 15 分钟）',
  didNothing: '没有：不需要。',
  more: (count) => `另有 ${count} 项`,
  endpointOut: (address, site, state, why) => `${address}（${site}）${state}${why === '' ? '' : `：${why}`}`,
  breakerIs: (name, state) => `${name} 的熔断器：${state}`,
  panic: (service) => `${service} 健康端点过少，暂时忽略健康状态（恐慌模式）`,
  workerCrashed: (id) => `工作线程 ${id} 崩溃`,
  configRefused: (version) => `新配置被拒绝，继续使用快照 ${version}`,
  semicolon: '；',
  measuring: '测量中…',
  nobody: '无人察觉：所有请求都得到了应答。',
  noTraffic: '无人察觉：没有请求。',
  hiddenByRetries: (rate) => `无人察觉：每秒 ${formatNumber(rate)} 次重试将其掩盖。`,
  seeErrors: (route, rate, percent) =>
    `${route} 的用户每秒看到 ${formatNumber(rate)} 个错误（${formatNumber(percent)} %）`,
  seeFallbacks: (route, rate) => `${route} 的用户每秒得到 ${formatNumber(rate)} 个降级应答，没有错误`,

  sites: '站点',
  services: '服务',
  routes: '路由',
  events: '最近事件',
  noEvents: '还没有事件。',
  noServices: '配置中没有服务。',
  noRoutes: '配置中没有路由。',
  usableOf: (usable, total) => `${total} 个端点中 ${usable} 个可用`,
  perSecond: '请求/秒',
  endpoint: '端点',
  site: '站点',
  state: '状态',
  breaker: '熔断器',
  inFlight: '处理中',
  rate: '请求/秒',
  latency: '延迟',
  failures: '失败',
  ofTotal: (failures, total) => `${formatNumber(failures)} / ${formatNumber(total)}`,
  change: '更改…',
  drain: '排空…',
  undrain: '恢复…',
  drainOf: (name) => `排空 ${name}`,
  undrainOf: (name) => `恢复 ${name}`,
  drained: (name) => `${name} 不再接收新请求`,
  undrained: (name) => `${name} 重新接收请求`,
  drainHint: '排空后不再接收新请求，处理中的请求会完成。直到有人恢复为止。',
  drainForce: '仍然执行：用户将得到降级应答或 503。',
  changeBreaker: (name) => `更改 ${name} 的熔断器`,
  serviceBreaker: '熔断器',
  serviceFacts: (mode, balance) => `${mode} · ${balance}`,
  release: (name) => `版本 ${name}`,
  route: '路由',
  retries: '重试',
  fallbacks: '降级',

  checksFail: '健康检查失败',
  ejectedFor: (seconds) => `请求连续失败，还剩 ${seconds} 秒`,
  breakerCounts: (failures, calls) => `${calls} 次调用中 ${failures} 次失败`,
  underWay: (count) => `还有 ${count} 个请求在处理`,
  resolvedFrom: (name) => `来自 ${name}`,
  registered: (seconds) => (seconds === 0 ? '自行注册，租约已到期' : `自行注册，租约还剩 ${seconds} 秒`),
  notResolved: (name, problem) => `域名 ${name} 无法解析：${problem}`,

  nodeAt: (name, site) => `${name}，位于 ${site}`,
  snapshot: (version) => `快照 ${version}`,
  snapshotFrom: (source, time) => `来自 ${source}，${time} 生效`,
  version: (version) => `不倒 ${version}`,
  upFor: (span) => `已运行 ${span}`,
  refusedTitle: (time) => `${time} 的配置被拒绝`,
  ago: (span) => `${span} 前`,

  connecting: '正在询问网关…',
  unreachable: '网关的管理接口没有应答',
  unreachableSince: (time, span) => `从 ${time} 开始（${span}）。`,
  lastSeen: (time) => `下面是它在 ${time} 报告的状态，可能已经变化。`,
  triesAgain: '本页会继续尝试。网关可能仍在为用户服务。',
  paused: '页面隐藏时暂停。',

  breakerTo: '设为',
  toOpen: '断开：请求不再到达',
  toClosed: '闭合：无论如何都放行请求',
  toAuto: '自动：交还给它自己的规则',
  lastUsable: '该服务没有其他可用的地方：用户将得到降级应答或 503。',
  reason: '原因（写入审计日志）',
  cancel: '取消',
  confirm: '确认',
  changed: (name, to) => `${name} 的熔断器：${to}`,
  reloaded: (version) => `配置已生效：快照 ${version ?? '?'}`,
  tokenTitle: '需要令牌',
  tokenField: '只读令牌或操作令牌',
  tokenHint: '即配置中的 admin.tokens。只保存在此标签页中。',
  tokenUse: '使用',

  states: {
    up: '正常',
    degraded: '部分可用',
    down: '不可用',
    drained: '已排空',
    usable: '可用',
    unhealthy: '不健康',
    ejected: '已摘除',
    open: '断开',
    closed: '闭合',
    'half-open': '半开',
    'forced-open': '强制断开',
    'forced-closed': '强制闭合',
    starting: '正在启动',
    serving: '正在服务',
    draining: '正在排空',
    crashed: '已崩溃',
    info: '信息',
    warning: '警告',
    critical: '严重',
  },

  kinds: chineseEvents,
  ...chineseFailover,
  ...chineseDrills,
  ...chineseLogs,
  ...chineseAlerts,
  ...chineseReleases,
  ...chineseSeries,
}

export type Language = 'en' | 'zh'

export const languages: { readonly [language in Language]: Words } = { en: english, zh: chinese }

/** The language for a reader who prefers these, best first. */
export function chooseLanguage(preferred: readonly string[]): Language {
  const known = preferred
    .map((tag) => tag.toLowerCase().split('-')[0])
    .find((tag) => tag === 'zh' || tag === 'en')
  return known === 'zh' ? 'zh' : 'en'
}
