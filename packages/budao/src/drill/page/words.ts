import type { DrillScenario } from '@budao/model'
import type { Advice } from '../advice.ts'
import type { InvariantName, Verdict } from '../verdict.ts'

type Pair = readonly [english: string, chinese: string]

/** What a scenario is called, and what it did to the site. */
export const scenarioWords: Readonly<Record<DrillScenario, { readonly name: Pair; readonly did: Pair }>> = {
  'process-kill': {
    name: ['A process is killed', '杀死一个进程'],
    did: [
      'One process was killed without warning (SIGKILL).',
      '一个进程被直接杀死（SIGKILL），没有任何预告。',
    ],
  },
  hang: {
    name: ['The processes hang', '进程假死'],
    did: [
      'All processes stood still (SIGSTOP): connections stayed open, nothing was answered.',
      '所有进程被冻结（SIGSTOP）：连接仍在，但没有任何应答。',
    ],
  },
  'site-loss': {
    name: ['The site is lost', '站点整体失效'],
    did: ['All processes were killed at once (SIGKILL).', '所有进程同时被杀死（SIGKILL）。'],
  },
  'black-hole': {
    name: ['The network swallows everything', '网络黑洞'],
    did: ['No packet reached the site or came back.', '发往该站点和来自该站点的数据包全部丢失。'],
  },
  'one-way-partition': {
    name: ['Answers get lost', '单向网络分区'],
    did: ['Requests reached the site, no answer came back.', '请求能到达该站点，但应答全部丢失。'],
  },
  'slow-backend': {
    name: ['The processes are slow', '后端变慢'],
    did: [
      'All processes stood still nine tenths of the time: they answered, late.',
      '所有进程十分之九的时间被冻结：仍会应答，但很慢。',
    ],
  },
  'controller-loss': {
    name: ['The controllers are lost', '控制器失效'],
    did: [
      'The processes that decide about failovers were killed (SIGKILL).',
      '负责故障切换决策的进程被杀死（SIGKILL）。',
    ],
  },
  'leader-loss': {
    name: ['The leading controller is lost', '主控制器失效'],
    did: [
      'The controller that led was killed (SIGKILL); another one had to take over.',
      '正在主导的控制器被杀死（SIGKILL），须由另一控制器接任。',
    ],
  },
  'control-partition': {
    name: ['The gateway is cut off from the other nodes', '控制面网络分区'],
    did: [
      'The gateway reached neither the other nodes nor the coordination store; users still reached it.',
      '该网关与其他节点及协调存储完全断开，但用户仍能访问它。',
    ],
  },
  'control-one-way': {
    name: ['The gateway is deaf to the other nodes', '控制面单向分区'],
    did: [
      'The gateway heard nothing of the other nodes and of the coordination store; they still heard it.',
      '该网关收不到其他节点和协调存储的任何消息，但它们仍能收到它的消息。',
    ],
  },
  'dns-loss': {
    name: ['A DNS server falls silent', 'DNS 服务器失声'],
    did: ['The DNS server heard questions and answered none.', 'DNS 服务器收到查询但不应答。'],
  },
}

/** The verdict, in one word. */
export const verdictWords: Readonly<Record<Verdict, Pair>> = {
  passed: ['Passed', '通过'],
  failed: ['Not passed', '未通过'],
  aborted: ['Broken off', '已中止'],
  interrupted: ['Ended by a person', '人工终止'],
}

/** What must hold. */
export const invariantWords: Readonly<Record<InvariantName, Pair>> = {
  'no-read-failed': [
    'No read failed: it could be tried elsewhere at once',
    '读请求无一失败（可立即换处重试）',
  ],
  'within-rto': ['Users had recovered within the objective', '用户在目标时间内恢复'],
  'no-write-lost': ['No acknowledged write was lost', '已确认的写入无一丢失'],
  'one-epoch': [
    'No write was taken in an older epoch after a newer one',
    '没有写入被两个任期（epoch）同时接受',
  ],
  'always-served': ['Somebody always served', '始终有站点在服务'],
  restored: ['Everything is as it was before', '一切恢复原状'],
}

/** What could be better, and how. */
export const adviceTexts: Readonly<Record<Advice, Pair>> = {
  'writes-lost': [
    'Acknowledged writes are gone. Replicate before acknowledging (objectives.rpo: 0s), or let the site take over only when it has everything.',
    '有已确认的写入丢失。应先复制再确认（objectives.rpo: 0s），或仅在数据齐全时才允许接管。',
  ],
  'older-epoch': [
    'Two places took writes at once. Fence at the database too: it must refuse the older epoch.',
    '两处同时接受了写入。数据库也必须隔离旧任期（epoch）。',
  ],
  'not-restored': [
    'Not everything came back by itself. Find out what is missing before the next drill: budao status.',
    '并非一切都自动恢复。下次演练前请查明缺失：budao status。',
  ],
  'not-home': [
    'The right to write is still at another site. Bring it home when you like: budao failback UNIT, or drills.failback.',
    '写入权仍在其他站点。可随时回切：budao failback 单元名，或配置 drills.failback。',
  ],
  'never-out': [
    'The gateway never took every endpoint of the site out of the traffic. Look at healthCheck and outlier of the service.',
    '网关始终未将该站点的全部端点摘除。请检查服务的 healthCheck 与 outlier。',
  ],
  'slow-recovery': [
    'Users waited longer than the objective allows. Shorten timeouts.perTry and healthCheck, or revise the objective.',
    '恢复时间超出目标。请缩短 timeouts.perTry 与 healthCheck，或修订目标。',
  ],
  'reads-failed': [
    'Reads failed that another site could have answered. Allow one more retry (retry.attempts), or a stale answer (fallback.stale).',
    '有本可由其他站点应答的读请求失败。可增加重试次数（retry.attempts）或允许陈旧应答（fallback.stale）。',
  ],
  'writes-failed': [
    'Writes failed until the site was out: they are not repeated without a key. Let the client repeat them (Idempotency-Key, filter idempotency), and shorten timeouts.request.',
    '在站点被摘除之前有写入失败：没有幂等键就不会重试。请让客户端携带 Idempotency-Key 重试（idempotency 过滤器），并缩短 timeouts.request。',
  ],
  'kept-elsewhere': [
    'Some acknowledged writes exist at one site only, and users of the other do not see them. Replicate between the sites.',
    '部分已确认的写入只存在于一个站点，另一站点的用户看不到。请在站点之间复制数据。',
  ],
  'unknown-writes': [
    'For some writes nobody could be asked: look for them again when everything is back.',
    '部分写入无法核对：待一切恢复后请再次核对。',
  ],
  'many-slow': [
    'Many answers were slow. A shorter timeouts.perTry, or a hedge (retry.hedge), takes users elsewhere sooner.',
    '慢应答较多。缩短 timeouts.perTry 或启用对冲请求（retry.hedge）可让用户更早转移。',
  ],
  'fallback-used': ['Some reads got the fallback instead of a fresh answer.', '部分读请求得到的是降级应答。'],
  'no-writes': [
    'Nothing was written, so nothing is known of lost data. Configure drills.writes.',
    '本次没有写入，因此无法判断数据是否丢失。请配置 drills.writes。',
  ],
  'no-read-back': [
    'Nobody looked for the writes afterwards. Configure drills.writes.readBack.',
    '写入未被核对。请配置 drills.writes.readBack。',
  ],
  'no-objectives': [
    'The service has no objectives: 5 s stand in for the recovery time. Say what the business needs (services.NAME.objectives).',
    '该服务没有设定目标：以 5 秒代替恢复时间目标。请按业务需要设定（services.NAME.objectives）。',
  ],
  'generator-paused': [
    'The load generator itself was held up: gaps shorter than its own pauses may be its own. Run it on a calmer machine.',
    '压测程序自身曾被阻塞：短于其停顿的空档可能是它自己造成的。请换到更空闲的机器上运行。',
  ],
}

/** What the gateway noticed, as people call it; kinds that are missing are shown as they are. */
export const eventWords: Readonly<Record<string, Pair>> = {
  'endpoint.ejected': ['taken out by failures', '因失败被摘除'],
  'endpoint.unhealthy': ['fails its health checks', '健康检查失败'],
  'endpoint.healthy': ['passes its health checks again', '健康检查恢复'],
  'endpoint.returned': ['gets requests again', '重新接收请求'],
  'breaker.opened': ['breaker opened', '熔断器打开'],
  'breaker.half-open': ['breaker tries again', '熔断器试探'],
  'breaker.closed': ['breaker closed', '熔断器关闭'],
  'service.panic': ['so little is healthy that health is ignored', '健康端点过少，忽略健康状态'],
  'service.panic-ended': ['health counts again', '恢复按健康状态路由'],
}
