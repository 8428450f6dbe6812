import type {
  ExplanationCode,
  FailbackStage,
  NodeReport,
  RunKind,
  RunStep,
  SiteVerdict,
  VerdictCode,
} from '@budao/model'
import { formatMs, formatSpan } from './format.ts'

type VerdictState = SiteVerdict['state']

/** What the page says about failover, in one language. */
export interface FailoverWords {
  readonly failover: string
  readonly unit: string
  readonly owner: string
  readonly epoch: string
  readonly lease: string
  readonly verdicts: string
  readonly whyTitle: string
  readonly lastMove: string
  /** What a controller says in English anyway; empty: its own words are enough. */
  readonly explanations: { readonly [code in ExplanationCode]?: string }
  readonly node: string
  readonly roles: string
  readonly link: string
  readonly lastBeat: string
  readonly roundTrip: string
  readonly remark: string
  readonly noUnits: string
  readonly leads: (node: string, term: number) => string
  readonly nobodyLeads: string
  readonly storeAnswered: (type: string, ms: number | null) => string
  readonly storeAway: (type: string) => string
  readonly nobodyWrites: string
  readonly renewed: (ms: number) => string
  readonly automationIs: string
  readonly automations: { readonly [automation in 'on' | 'advise' | 'off']: string }
  readonly leases: { readonly [lease in 'granted' | 'held' | 'fenced']: string }
  readonly verdictStates: { readonly [state in VerdictState]: string }
  readonly verdictCodes: { readonly [code in VerdictCode]: string }
  readonly votesBy: { readonly [use in 'counted' | 'abstained' | 'stale' | 'veto']: string }
  readonly links: { readonly [link in NodeReport['link']]: string }
  readonly moves: { readonly [kind in RunKind]: string }
  readonly steps: { readonly [step in RunStep]: string }
  readonly stages: { readonly [stage in FailbackStage]: string }
  readonly siteIsDrained: string
  readonly witness: string
  readonly abstains: (why: string) => string
  readonly fromTo: (kind: string, from: string, to: string) => string
  readonly byWhom: (by: string, reason: string) => string
  readonly byItself: string
  readonly done: string
  readonly takenBack: string
  readonly underWayFor: (ms: number) => string
  readonly nothingLost: string
  readonly mayMiss: (ms: number) => string
  readonly lossUnknown: string
  readonly blocked: (ms: number) => string
  readonly unitTrouble: (unit: string, text: string) => string
  readonly drainingUnits: (site: string, moved: number, all: number) => string
  readonly drainStuck: (site: string) => string

  readonly whyButton: string
  readonly moveButton: string
  readonly failbackButton: string
  readonly ackButton: string
  readonly automationButton: string
  readonly whyOf: (unit: string) => string
  readonly moveOf: (unit: string) => string
  readonly failbackOf: (unit: string, to: string) => string
  readonly ackOf: (unit: string) => string
  readonly automationOf: (unit: string) => string
  readonly wishTaken: (unit: string) => string

  readonly observer: string
  readonly domain: string
  readonly says: string
  readonly vote: string
  readonly causes: string
  readonly age: string
  readonly silent: string
  readonly never: string
  readonly wayBack: string

  readonly moveHow: string
  readonly plannedMove: string
  readonly unplannedMove: string
  readonly moveTo: string
  readonly failbackHint: string
  readonly ackHint: string
  readonly automationTo: string
  readonly automationOn: string
  readonly automationAdvise: string
  readonly automationOff: string
  readonly yourName: string
  readonly moveForce: string
  readonly close: string
}

export const englishFailover: FailoverWords = {
  failover: 'Who writes',
  unit: 'Unit',
  owner: 'Owner',
  epoch: 'Epoch',
  lease: 'Lease',
  verdicts: 'Sites',
  whyTitle: 'Why',
  lastMove: 'Last move',
  explanations: {},
  node: 'Node',
  roles: 'Roles',
  link: 'Link',
  lastBeat: 'Last beat',
  roundTrip: 'Round trip',
  remark: 'Remark',
  noUnits: 'No service has a failover section.',
  leads: (node, term) => `${node} leads, term ${term}`,
  nobodyLeads: 'nobody leads: nothing moves',
  storeAnswered: (type, ms) =>
    ms === null ? `store ${type} has not answered yet` : `store ${type} answered ${formatMs(ms)} ago`,
  storeAway: (type) => `store ${type} does not answer`,
  nobodyWrites: 'nobody',
  renewed: (ms) => `renewed ${formatMs(ms)} ago`,
  automationIs: 'automation',
  automations: { on: 'on', advise: 'advise', off: 'off' },
  leases: { granted: 'granted', held: 'held', fenced: 'fenced' },
  verdictStates: {
    up: 'up',
    degraded: 'degraded',
    suspect: 'suspect',
    down: 'down',
    advise: 'looks down',
    unknown: 'unknown',
  },
  verdictCodes: {
    quorum: 'observers of enough failure domains say so',
    hard: 'the kernel there says so, and there is no witness',
    'no-quorum': 'too few failure domains say more',
    vetoed: 'somebody was served there a moment ago',
    'no-witness': 'silence alone, and no witness: a person decides',
    nobody: 'no observer has said anything lately',
    slow: 'it answers slower than the others and than it used to: its weight is shed',
    agreed: 'nothing speaks against it',
  },
  votesBy: { counted: 'counted', abstained: 'abstained', stale: 'too old', veto: 'veto' },
  links: { self: 'this node', up: 'up', silent: 'silent', down: 'down', refused: 'refused' },
  moves: { failover: 'Failover', switchover: 'Switchover', failback: 'Failback' },
  steps: {
    starting: 'starting the standby',
    fencing: 'fencing',
    draining: 'draining',
    waiting: 'waiting',
    restoring: 'restoring',
    granting: 'granting',
    claiming: 'claiming',
    publishing: 'publishing',
  },
  stages: {
    serving: 'serving',
    fenced: 'not well yet',
    'catching-up': 'catching up',
    shadow: 'caught up, watched for 30 s',
    ready: 'ready to have it back',
  },
  siteIsDrained: 'drained',
  witness: 'witness',
  abstains: (why) => `abstains: ${why}`,
  fromTo: (kind, from, to) => `${kind} ${from} → ${to}`,
  byWhom: (by, reason) => `${by}: ${reason}`,
  byItself: 'by itself',
  done: 'done',
  takenBack: 'taken back',
  underWayFor: (ms) => `under way for ${formatSpan(ms)}`,
  nothingLost: 'nothing acknowledged is lost',
  mayMiss: (ms) => `writes of the last ${formatMs(ms)} may be missing`,
  lossUnknown: 'what is missing is not known',
  blocked: (ms) => `No failover by itself for ${formatSpan(ms)}, unless the last one is acknowledged`,
  unitTrouble: (unit, text) => `${unit}: ${text}`,
  drainingUnits: (site, moved, all) => `site ${site} is being drained: ${moved} of ${all} units have moved`,
  drainStuck: (site) => `the drain of site ${site} is stuck: a move failed`,

  whyButton: 'Why…',
  moveButton: 'Move…',
  failbackButton: 'Fail back…',
  ackButton: 'Acknowledge…',
  automationButton: 'Automation…',
  whyOf: (unit) => `Why ${unit} is where it is`,
  moveOf: (unit) => `Move ${unit} to another site`,
  failbackOf: (unit, to) => `Fail ${unit} back to ${to}`,
  ackOf: (unit) => `Acknowledge the failover of ${unit}`,
  automationOf: (unit) => `Automation of ${unit}`,
  wishTaken: (unit) => `${unit}: done as you asked`,

  observer: 'Observer',
  domain: 'Domain',
  says: 'Says',
  vote: 'Vote',
  causes: 'Causes',
  age: 'Age',
  silent: 'Silent for',
  never: 'never heard',
  wayBack: 'Way back',

  moveHow: 'How',
  plannedMove:
    'switchover: the old site finishes and stops first; nothing acknowledged is lost, or nothing happens',
  unplannedMove: 'failover: the old site is not asked; nobody writes until its lease has ended',
  moveTo: 'To',
  failbackHint:
    'A planned move to the site that is preferred: it begins only where that site is well, and is taken back if it does not catch up.',
  ackHint: 'You have seen the last failover by itself: the next one need not wait.',
  automationTo: 'When a site is down',
  automationOn: 'on: fail over by itself',
  automationAdvise: 'advise: say what it would do',
  automationOff: 'off: do nothing',
  yourName: 'Your name, for the audit log',
  moveForce: 'Do it all the same: writes that only the old site has are lost.',
  close: 'Close',
}

export const chineseFailover: FailoverWords = {
  failover: '由谁写入',
  unit: '单元',
  owner: '所在站点',
  epoch: '纪元',
  lease: '租约',
  verdicts: '各站点',
  whyTitle: '原因',
  lastMove: '最近一次切换',
  explanations: {
    'owner-fine': '所在站点正常',
    'owner-suspect': '所在站点可疑，尚未判定',
    'owner-down': '所在站点不可用',
    'owner-degraded': '所在站点变慢，但仍在服务',
    'owner-lapsed': '所在站点无法续租',
    'owner-starting': '站点可能正在启动，暂不放弃',
    'no-quorum': '认为不可用的故障域太少',
    'no-witness': '只有静默且没有见证节点：由人决定',
    vetoed: '刚刚还有请求在那里成功',
    'automation-advise': '仅建议：由人决定',
    'automation-off': '自动化已关闭',
    'rate-limited': '上一次自动故障转移尚未确认',
    'no-target': '没有可接管的站点',
    'target-lags': '其他站点的数据落后太多',
    'last-healthy-site': '这是最后一个正常站点',
    'capacity-short': '剩余容量不足',
    'lease-ends': '等待旧租约结束',
    'lease-ended': '旧租约已结束',
    'fence-acknowledged': '旧站点已确认停止写入',
    'target-silent': '新站点没有接管',
    'owner-came-back': '原站点已恢复，保持不变',
    moved: '已完成切换',
    'rolled-back': '切换已撤回',
    'not-leader': '由另一控制器主导',
    'no-lease': '尚无站点取得写入权',
    'wish-refused': '请求被拒绝',
    'run-under-way': '正在切换',
    draining: '正在排空',
    'in-sync-reduced': '不再等待落后的站点',
    queued: '等待轮到它',
    'standby-starting': '正在启动冷备站点',
    'standby-failed': '冷备站点未能启动',
  },
  node: '节点',
  roles: '角色',
  link: '连接',
  lastBeat: '最近心跳',
  roundTrip: '往返',
  remark: '备注',
  noUnits: '没有服务配置 failover。',
  leads: (node, term) => `${node} 主导，任期 ${term}`,
  nobodyLeads: '没有主导者：不会发生切换',
  storeAnswered: (type, ms) =>
    ms === null ? `协调存储 ${type} 尚未应答` : `协调存储 ${type} 于 ${formatMs(ms)} 前应答`,
  storeAway: (type) => `协调存储 ${type} 没有应答`,
  nobodyWrites: '无',
  renewed: (ms) => `${formatMs(ms)} 前续租`,
  automationIs: '自动化',
  automations: { on: '开启', advise: '仅建议', off: '关闭' },
  leases: { granted: '已授予', held: '持有', fenced: '已隔离' },
  verdictStates: {
    up: '正常',
    degraded: '部分可用',
    suspect: '可疑',
    down: '不可用',
    advise: '疑似不可用',
    unknown: '未知',
  },
  verdictCodes: {
    quorum: '足够多故障域的观察者如此认为',
    hard: '对方内核如此表明，且没有见证节点',
    'no-quorum': '持此看法的故障域太少',
    vetoed: '刚刚还有请求在那里成功',
    'no-witness': '只有静默，且没有见证节点：由人决定',
    nobody: '近期没有观察者发言',
    slow: '响应比其他站点和自身以往更慢：已降低权重',
    agreed: '没有反对意见',
  },
  votesBy: { counted: '计入', abstained: '弃权', stale: '过旧', veto: '否决' },
  links: { self: '本节点', up: '正常', silent: '静默', down: '断开', refused: '被拒绝' },
  moves: { failover: '故障转移', switchover: '计划切换', failback: '回切' },
  steps: {
    starting: '启动备用站点',
    fencing: '隔离',
    draining: '排空',
    waiting: '等待',
    restoring: '恢复数据',
    granting: '授予',
    claiming: '接管',
    publishing: '发布',
  },
  stages: {
    serving: '正在承担',
    fenced: '尚未恢复',
    'catching-up': '正在追赶',
    shadow: '已追上，观察 30 秒',
    ready: '可以接回',
  },
  siteIsDrained: '已排空',
  witness: '见证节点',
  abstains: (why) => `弃权：${why}`,
  fromTo: (kind, from, to) => `${kind}：${from} → ${to}`,
  byWhom: (by, reason) => `${by}：${reason}`,
  byItself: '自动',
  done: '完成',
  takenBack: '已撤回',
  underWayFor: (ms) => `已进行 ${formatSpan(ms)}`,
  nothingLost: '已确认的写入没有丢失',
  mayMiss: (ms) => `最近 ${formatMs(ms)} 的写入可能缺失`,
  lossUnknown: '缺失多少未知',
  blocked: (ms) => `${formatSpan(ms)} 内不会自动故障转移，除非上一次已被确认`,
  unitTrouble: (unit, text) => `${unit}：${text}`,
  drainingUnits: (site, moved, all) => `站点 ${site} 正在排空：${all} 个单元中 ${moved} 个已迁走`,
  drainStuck: (site) => `站点 ${site} 的排空受阻：有单元未能迁走`,

  whyButton: '原因…',
  moveButton: '切换…',
  failbackButton: '回切…',
  ackButton: '确认…',
  automationButton: '自动化…',
  whyOf: (unit) => `${unit} 为何在此站点`,
  moveOf: (unit) => `将 ${unit} 切换到另一站点`,
  failbackOf: (unit, to) => `将 ${unit} 回切到 ${to}`,
  ackOf: (unit) => `确认 ${unit} 的故障转移`,
  automationOf: (unit) => `${unit} 的自动化`,
  wishTaken: (unit) => `${unit}：已按要求处理`,

  observer: '观察者',
  domain: '故障域',
  says: '看法',
  vote: '计票',
  causes: '依据',
  age: '时效',
  silent: '静默时长',
  never: '从未应答',
  wayBack: '回归进度',

  moveHow: '方式',
  plannedMove: '计划切换：旧站点先完成并停止写入；已确认的写入不丢失，否则什么也不发生',
  unplannedMove: '故障转移：不询问旧站点；其租约结束前无人写入',
  moveTo: '目标站点',
  failbackHint: '计划切换回首选站点：仅在该站点正常时开始；若未能追上数据则撤回。',
  ackHint: '表示您已了解上一次自动故障转移：下一次无需等待。',
  automationTo: '当站点不可用时',
  automationOn: '开启：自动故障转移',
  automationAdvise: '仅建议：说明将会做什么',
  automationOff: '关闭：什么也不做',
  yourName: '您的姓名（写入审计日志）',
  moveForce: '仍然执行：只有旧站点拥有的写入将丢失。',
  close: '关闭',
}
