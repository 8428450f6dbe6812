import { readFileSync } from 'node:fs'
import { escapeHtml, number, t, time } from '../page/text.ts'
import { verdictWords } from '../page/words.ts'
import type { ReleaseDrillReport, ReleaseInvariant } from './release-report.ts'

const style = readFileSync(new URL('../page/drill-page.css', import.meta.url), 'utf8')
const script = `const r=document.documentElement,s=l=>{r.dataset.lang=l;r.lang=l==='zh'?'zh-CN':'en'}
s((navigator.language||'').startsWith('zh')?'zh':'en')
document.querySelector('button').onclick=()=>s(r.dataset.lang==='zh'?'en':'zh')`

/** What must hold, in both languages. */
export const invariantWords: Readonly<Record<ReleaseInvariant['name'], readonly [string, string]>> = {
  'no-user-failed': ['no request of a user failed', '没有用户请求失败'],
  'sent-back-in-time': ['it was sent back in time', '在时限内回退'],
  'none-left': ['every gateway gave it nothing soon after', '所有网关随即不再给它流量'],
  'told-once': ['people were told once', '只通知一次'],
  restored: ['the release is a good one again, and has no users', '故障已撤除，新版本没有用户'],
}

/** The figures of a drill, one a line: for the page and for the terminal. */
export function releaseFigures(
  report: ReleaseDrillReport,
): readonly (readonly [english: string, chinese: string, value: string])[] {
  const { requests, canaryRequests, canaryErrors, startToDecisionMs, firstToDecisionMs, wayBack } = report
  const timed = (ms: number | null): string => (ms === null ? '–' : time(ms))
  return [
    ['requests of users', '用户请求', number(requests.sent)],
    ['of those failed', '其中失败', number(requests.failed)],
    ['p99 of users', '用户 p99', timed(requests.p99Ms)],
    ['requests of the release until it went back', '回退前新版本的请求', number(canaryRequests)],
    ['of those failed', '其中失败', number(canaryErrors)],
    ['from the start to the decision', '从开始到决定', timed(startToDecisionMs)],
    ['from its first request to the decision', '从首个请求到决定', timed(firstToDecisionMs)],
    ...wayBack.map(
      ({ node, zeroAfterMs }) =>
        [`from the decision to 0 % at ${node}`, `从决定到 ${node} 归零`, timed(zeroAfterMs)] as const,
    ),
  ]
}

/** The report as one page for people, in English and Chinese, without anything from outside. */
export function releasePage(report: ReleaseDrillReport): string {
  const { id, at, rollout, release, kind, verdict, gateway, decision, invariants, longestPauseMs } = report
  const when = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`
  const rows = releaseFigures(report).map(
    ([english, chinese, value]) =>
      `<tr><th scope="row">${t(english, chinese)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  const held = invariants.map(
    ({ name, holds }) => `<li>${holds ? '✓' : '✕'} ${t(...invariantWords[name])}</li>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(`${verdictWords[verdict][0]}: bad release of ${rollout}, ${when}`)}</title>
<style>${style}</style>
<main>
<header><span><b>Budao 不倒</b> · ${t('drill report', '演练报告')}</span><button type="button">${t('中文', 'English')}</button></header>
<section class="verdict ${verdict}">
<span class="word">${t(...verdictWords[verdict])}</span>
<h1>${t(`A bad release: ${rollout}`, `问题版本：${rollout}`)}</h1>
<p class="facts">${escapeHtml(when)} · ${t(`seen by gateway ${gateway.node}`, `观测网关 ${gateway.node}`)}</p>
<p>${t(`${release} was made a release with the flaw "${kind}".`, `${release} 被注入故障「${kind}」。`)} ${escapeHtml(decision?.why ?? '')}</p>
</section>
<section><h2>${t('What must hold', '必须成立')}</h2><ul>${held.join('\n')}</ul></section>
<section><h2>${t('Figures', '数据')}</h2><table>${rows.join('\n')}</table></section>
<section><h2>${t('How it was measured', '测量方法')}</h2>
<p>${t(
    `Gateways failed or held up requests of the release by themselves, before its endpoints were asked; the endpoints were well. Shares were read ten times a second. The generator was held up for ${time(longestPauseMs)} at worst.`,
    `由网关在请求端点之前制造失败或延迟，端点本身正常。份额每秒读取十次。发生器自身最长停顿 ${time(longestPauseMs)}。`,
  )}</p></section>
<footer>${escapeHtml(id)} · Budao ${escapeHtml(gateway.version)} · ${t('the same figures as JSON beside this file', '同目录 JSON 文件含相同数据')}</footer>
</main>
<script>${script}</script>
</html>
`
}
