import { readFileSync } from 'node:fs'
import type { DrillReport } from '../drill-report.ts'
import { momentsOf } from './moments.ts'
import { movesSection } from './moves.ts'
import {
  adviceList,
  eventList,
  figures,
  honesty,
  invariantList,
  momentList,
  objectivesTable,
  story,
  tiles,
} from './sections.ts'
import { escapeHtml, t } from './text.ts'
import { timeline } from './timeline.ts'
import { scenarioWords, verdictWords } from './words.ts'

const style = readFileSync(new URL('./drill-page.css', import.meta.url), 'utf8')

/** Chinese where the browser speaks it, English elsewhere and without scripts; the button changes it. */
const script = `const r=document.documentElement,s=l=>{r.dataset.lang=l;r.lang=l==='zh'?'zh-CN':'en'}
s((navigator.language||'').startsWith('zh')?'zh':'en')
document.querySelector('button').onclick=()=>s(r.dataset.lang==='zh'?'en':'zh')`

/** The report as one page for people, in English and Chinese, without anything from outside. Pure but for its style. */
export function drillPage(report: DrillReport): string {
  const { scenario, site, verdict, at, gateway, id } = report
  const moments = momentsOf(report)
  const name = scenarioWords[scenario].name
  const when = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(`${verdictWords[verdict][0]}: ${scenario} of ${site}, ${when}`)}</title>
<style>${style}</style>
<main>
<header><span><b>Budao 不倒</b> · ${t('drill report', '演练报告')}</span><button type="button">${t('中文', 'English')}</button></header>
<section class="verdict ${verdict}">
<span class="word">${t(...verdictWords[verdict])}</span>
<h1>${t(`${name[0]}: ${site}`, `${name[1]}：${site}`)}</h1>
<p class="facts">${escapeHtml(when)} · ${t(`seen by gateway ${gateway.node}`, `观测网关 ${gateway.node}`)}</p>
<p>${story(report)}</p>
</section>
${tiles(report)}
<section>
<h2>${t('What users saw', '用户看到了什么')}</h2>
<ul class="legend">
<li><i style="background:var(--ok)"></i>${t('answered', '成功')}</li>
<li><i style="background:var(--degraded)"></i>${t('fallback', '降级')}</li>
<li><i style="background:var(--failed)"></i>${t('failed', '失败')}</li>
<li><i style="background:var(--shade)"></i>${report.restoredAfterMs === null ? t('until the site was back', '至站点恢复') : t('fault in force', '故障生效中')}</li>
</ul>
${timeline(report, moments)}
</section>
<div class="two">
<section><h2>${t('What happened when', '何时发生了什么')}</h2>${momentList(moments)}</section>
<section><h2>${t('What must hold', '必须成立')}</h2>${invariantList(report.invariants)}</section>
</div>
${movesSection(report)}
<section><h2>${t('What to improve', '改进建议')}</h2>${adviceList(report)}</section>
<section><h2>${t('Against the objectives', '与目标对照')}</h2>${objectivesTable(report)}</section>
<section><h2>${t('Figures', '数据')}</h2>${figures(report)}${eventList(report)}</section>
<section><h2>${t('How it was measured', '测量方法')}</h2>${honesty(report)}</section>
<footer>${escapeHtml(id)} · Budao ${escapeHtml(gateway.version)} · ${t('the same figures as JSON beside this file', '同目录 JSON 文件含相同数据')}</footer>
</main>
<script>${script}</script>
</html>
`
}
