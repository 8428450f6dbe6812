import type { RolloutAction, RolloutPhase } from '@budao/model'
import { formatNumber } from './format.ts'

/** What the page says of releases, in one language. */
export type ReleaseWords = typeof englishReleases

const englishActions: Readonly<Record<RolloutAction, string>> = {
  start: 'Start',
  pause: 'Pause',
  resume: 'Resume',
  promote: 'Promote',
  abort: 'Send back',
  retry: 'Try again',
}

export const englishReleases = {
  releases: 'Releases',
  releasesNone: 'This gateway rolls nothing out: its configuration has no rollouts.',
  releasesUnder: (count: number): string => `${count} on the way`,
  releaseOf: (release: string, route: string): string => `${release} on ${route}`,
  releaseShare: (percent: number): string => `${formatNumber(percent)} % of the users`,
  releaseStep: (step: number, steps: number): string => `step ${step} of ${steps}`,
  releaseHolder: (node: string): string => `looked after by ${node}`,
  releaseAlone: 'nobody looks after it: its share ends with its lease',
  releaseNever: 'not started yet',
  releaseSeen: 'What was seen',
  releaseStable: 'stable',
  releaseRequests: 'Requests',
  releaseErrors: 'Failed',
  releaseSlow: 'Slow',
  releaseEvidence: 'Evidence against it',
  releaseOfMax: (value: number, max: number): string =>
    `${atMost(value)} of ${formatNumber(max)} that send it back`,
  releaseErrorEvidence: 'errors',
  releaseLatencyEvidence: 'latency',
  releaseChartEvidence: 'Evidence (logarithm), 100 % sends it back',
  releaseChartShare: 'Share of the users',
  releaseChartErrors: 'Failed requests, in all',
  releaseSince: (span: string): string => `As this page has seen it, the last ${span}`,
  releaseHistory: 'What happened to releases',
  releaseDo: (action: RolloutAction, name: string): string => `${englishActions[action]} ${name}`,
  releaseDone: (action: RolloutAction, name: string): string => `${name}: ${englishActions[action]}`,
  releaseActions: englishActions as Readonly<Record<RolloutAction, string>>,
  releaseHints: {
    start: 'It gets the first share of its users. A bad one goes back by itself.',
    pause: 'It stays at this step; a bad one goes back all the same.',
    resume: 'It goes on, step by step.',
    promote: 'It gets everybody at once, whatever the steps say.',
    abort: 'It gets nobody any more, at once; requests under way finish.',
    retry: 'It was sent back: try it again only where it is another one.',
  } as Readonly<Record<RolloutAction, string>>,
  releasePhases: {
    running: 'running',
    paused: 'paused',
    promoted: 'has everybody',
    aborted: 'sent back',
  } as Readonly<Record<RolloutPhase, string>>,
  releaseVerdicts: {
    pass: 'as good as stable',
    errors: 'fails more than stable',
    latency: 'slower than stable',
    'first-requests': 'its first requests failed',
    unusable: 'could not be asked',
    alone: 'fails as stable never did',
    'stable-ill': 'holds: stable itself fails',
    suspicious: 'holds: it looks worse',
    'site-lost': 'holds: its sites are lost, stable there too',
    'too-little-data': 'holds: too few requests yet',
  } as Readonly<Record<string, string>>,
}

/** More says nothing to anybody. */
function atMost(value: number): string {
  return value > 1_000_000 ? `> ${formatNumber(1_000_000)}` : formatNumber(value)
}

const chineseActions: Readonly<Record<RolloutAction, string>> = {
  start: '开始',
  pause: '暂停',
  resume: '继续',
  promote: '全量',
  abort: '回退',
  retry: '重试',
}

export const chineseReleases: ReleaseWords = {
  releases: '发布',
  releasesNone: '本网关没有灰度发布：配置中没有 rollouts。',
  releasesUnder: (count) => `${count} 个进行中`,
  releaseOf: (release, route) => `${route} 上的 ${release}`,
  releaseShare: (percent) => `${formatNumber(percent)} % 的用户`,
  releaseStep: (step, steps) => `第 ${step} 步，共 ${steps} 步`,
  releaseHolder: (node) => `由 ${node} 负责`,
  releaseAlone: '无人负责：租约到期后份额归零',
  releaseNever: '尚未开始',
  releaseSeen: '观察到的情况',
  releaseStable: '稳定版',
  releaseRequests: '请求',
  releaseErrors: '失败',
  releaseSlow: '变慢',
  releaseEvidence: '不利证据',
  releaseOfMax: (value, max) => `${atMost(value)}，达到 ${formatNumber(max)} 即回退`,
  releaseErrorEvidence: '错误',
  releaseLatencyEvidence: '延迟',
  releaseChartEvidence: '证据（对数），100 % 即回退',
  releaseChartShare: '用户份额',
  releaseChartErrors: '失败请求占比（累计）',
  releaseSince: (span) => `本页所见，最近 ${span}`,
  releaseHistory: '发布记录',
  releaseDo: (action, name) => `${chineseActions[action]} ${name}`,
  releaseDone: (action, name) => `${name}：${chineseActions[action]}`,
  releaseActions: chineseActions,
  releaseHints: {
    start: '先给第一批用户。有问题会自动回退。',
    pause: '停留在这一步；有问题仍会回退。',
    resume: '继续逐步放量。',
    promote: '立即给全部用户，不再按步骤。',
    abort: '立即不再给任何用户；处理中的请求会完成。',
    retry: '它曾被回退：确认已换成新的版本再重试。',
  },
  releasePhases: { running: '进行中', paused: '已暂停', promoted: '已全量', aborted: '已回退' },
  releaseVerdicts: {
    pass: '与稳定版一样好',
    errors: '比稳定版失败更多',
    latency: '比稳定版慢',
    'first-requests': '最初的请求就失败了',
    unusable: '无法访问',
    alone: '失败率为稳定版从未有过',
    'stable-ill': '等待：稳定版自身在失败',
    suspicious: '等待：看起来更差',
    'site-lost': '等待：所在站点整体失联，稳定版在那里同样无法访问',
    'too-little-data': '等待：请求还太少',
  },
}
