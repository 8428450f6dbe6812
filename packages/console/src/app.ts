import type { GatewayReport, ReplicationStatus, SeriesReport } from '@budao/model'
import { AdminClient, Refusal } from './admin-client.ts'
import { AlertDialog } from './alert-dialog.ts'
import { alertChoices, alertQuestion, firingCount } from './alert-state.ts'
import type { AlertChoice } from './alert-state.ts'
import { alertView } from './alert-view.ts'
import { AskedNowAndThen, pace } from './asked-now-and-then.ts'
import { headlineOf, shortBanner } from './banner.ts'
import { BreakerDialog, TokenDialog, part } from './dialogs.ts'
import type { DialogContext } from './dialogs.ts'
import { DrainDialog } from './drain-dialog.ts'
import { DrillDialog } from './drill-dialog.ts'
import { drillQuestion } from './drill-state.ts'
import { el } from './element.ts'
import type { Node } from './element.ts'
import { failoverQuestion } from './failover-state.ts'
import { LogForm } from './log-form.ts'
import { LogPage } from './log-page.ts'
import { logView } from './log-view.ts'
import { navigation } from './navigation.ts'
import { nodeFacts, overview } from './overview.ts'
import type { Others } from './overview.ts'
import { readRoute } from './page-route.ts'
import type { PageRoute } from './page-route.ts'
import { answered, eventsPath, initialState, unanswered } from './page-state.ts'
import type { EventsAnswer, PageState } from './page-state.ts'
import { patch } from './patch.ts'
import { ReleaseDialog } from './release-dialog.ts'
import { releaseQuestion, releasesUnderWay } from './release-state.ts'
import type { ReleasesState } from './release-state.ts'
import { releaseView } from './release-view.ts'
import { nextDelayMs } from './schedule.ts'
import { WishDialog } from './wish-dialog.ts'
import type { UnitWishKind } from './wish-dialog.ts'
import { chooseLanguage, languages } from './words.ts'
import type { Language, Words } from './words.ts'

const languageItem = 'budao-language'
const noticeMs = 8_000

const client = new AdminClient()
const alertsAsked = alertQuestion(client)
const releasesAsked = releaseQuestion(client)
const drillsAsked = drillQuestion(client)
const seriesAsked = new AskedNowAndThen(() => client.get<SeriesReport>('/api/v1/series'), pace(5_000))
const replicationAsked = new AskedNowAndThen(
  () => client.get<ReplicationStatus>('/api/v1/replication'),
  pace(2_000),
)
const failoverAsked = failoverQuestion(client)
let language: Language = chooseLanguage([localStorage.getItem(languageItem) ?? '', ...navigator.languages])
let words: Words = languages[language]
let state: PageState = initialState
let route: PageRoute = { page: 'overview', query: {} }
let releases: ReleasesState | null = null
let others: Others = { drills: null, series: null, replication: null }
let asking = false
/** A token is asked for; until it is there, asking again would be in vain. */
let locked = false
let timer: number | undefined
let noticeTimer: number | undefined
let announced = ''

const tokenDialog = new TokenDialog(client, () => {
  ask()
  goTo(readRoute(location.hash))
})
const changes: DialogContext = {
  words: () => words,
  report: () => state.report,
  refused: needsToken,
  changed: (text) => {
    notice('good', text)
    drillsAsked.hurry()
    alertsAsked.hurry()
    releasesAsked.hurry()
    ask()
  },
  failed: (error) => notice('bad', error instanceof Error ? error.message : String(error)),
}
const breakerDialog = new BreakerDialog(client, changes)
const drainDialog = new DrainDialog(client, changes)
const wishDialog = new WishDialog(client, changes)
const alertDialog = new AlertDialog(client, changes)
const releaseDialog = new ReleaseDialog(client, changes)
const drillDialog = new DrillDialog(client, changes)

const logPage = new LogPage(client, () => show(), needsToken)
const logForm = new LogForm(logPage)

part('reload').addEventListener('click', () => void reload())
part('language').addEventListener('click', () => setLanguage(language === 'en' ? 'zh' : 'en'))
part('view').addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('button') : null
  const { breakerService, breakerEndpoint, drainSite, drainEndpoint, drainService } = button?.dataset ?? {}
  const { wish, wishUnit, drill, drillReport } = button?.dataset ?? {}
  if (button !== null) alertDialog.pressed(button.dataset)
  if (button !== null) releaseDialog.pressed(button.dataset)
  if (drill === 'start') drillDialog.open()
  if (drill === 'abort') void abortDrill()
  if (drillReport !== undefined) void showReport(drillReport)
  const unit = state.failover?.units.find((each) => each.unit === wishUnit)
  if (unit !== undefined) wishDialog.open(wish as UnitWishKind, unit)
  if (breakerService !== undefined) breakerDialog.open(breakerService, breakerEndpoint)
  if (drainSite !== undefined) drainDialog.open({ site: drainSite })
  if (drainEndpoint !== undefined) {
    drainDialog.open({
      endpoint: drainEndpoint,
      ...(drainService === undefined ? {} : { service: drainService }),
    })
  }
})
document.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault()
  part('main').focus()
})
addEventListener('hashchange', () => goTo(readRoute(location.hash)))
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : ask()))
// Ages and spans grow although nothing new arrives.
setInterval(() => document.hidden || show(), 1_000)

translate()
goTo(readRoute(location.hash))
ask()

/** Asks now, and again and again for as long as somebody may be looking. */
function ask(): void {
  clearTimeout(timer)
  if (asking || document.hidden) return
  asking = true
  locked = false
  void askOnce().finally(() => {
    asking = false
    show()
    clearTimeout(timer)
    if (!document.hidden && !locked) timer = window.setTimeout(ask, nextDelayMs(state.failures))
  })
}

async function askOnce(): Promise<void> {
  try {
    const [report, events, units, ofDrills, ofAlerts, ofReleases, series, replication] = await Promise.all([
      client.get<GatewayReport>('/api/v1/status'),
      client.get<EventsAnswer>(eventsPath(state)),
      failoverAsked.ask(performance.now()),
      drillsAsked.ask(performance.now()),
      alertsAsked.ask(performance.now()),
      releasesAsked.ask(performance.now()),
      seriesAsked.ask(performance.now()),
      replicationAsked.ask(performance.now()),
    ])
    releases = ofReleases
    others = { drills: ofDrills, series, replication }
    state = answered(state, report, events, new Date(), performance.now(), units, ofAlerts)
    await logPage.tick(performance.now())
  } catch (error) {
    locked = needsToken(error)
    if (!locked) state = unanswered(state, error instanceof Error ? error.message : String(error), new Date())
  }
}

function needsToken(error: unknown): boolean {
  if (!(error instanceof Refusal) || (error.status !== 401 && error.code !== 'operator-required'))
    return false
  tokenDialog.open(error.code === 'token-required' ? '' : error.message)
  return true
}

async function reload(): Promise<void> {
  const button = part('reload') as HTMLButtonElement
  button.disabled = true
  try {
    const { version } = await client.post<{ version: number | null }>('/api/v1/reload', {})
    notice('good', words.reloaded(version))
  } catch (error) {
    if (needsToken(error)) return
    const problems = error instanceof Refusal ? error.problems : []
    notice('bad', [error instanceof Error ? error.message : String(error), ...problems].join('\n'))
  } finally {
    button.disabled = false
    ask()
  }
}

async function abortDrill(): Promise<void> {
  try {
    await client.post('/api/v1/drills/abort', { reason: 'ended in the console' })
    changes.changed(words.drillEnded)
  } catch (error) {
    if (!needsToken(error)) notice('bad', error instanceof Error ? error.message : String(error))
  }
}

/** Saved as a file of its own: a page made here would be held to the rules of this one, which allow it no script. */
async function showReport(id: string): Promise<void> {
  const path = `/api/v1/drills/${encodeURIComponent(id)}/page`
  if (client.token === null) return void window.open(path, '_blank', 'noopener')
  try {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([await client.text(path)], { type: 'text/html' }))
    link.download = `${id}.html`
    link.click()
    URL.revokeObjectURL(link.href)
  } catch (error) {
    if (!needsToken(error)) notice('bad', error instanceof Error ? error.message : String(error))
  }
}

function show(): void {
  const now = new Date()
  patch(part('view'), view(now))
  patch(part('node'), state.report === null ? [] : nodeFacts(state.report, now, words))
  patch(part('pages'), navigation(route.page, firingCount(state.alerts), releasesUnderWay(releases), words))
  logForm.show(words)
  const { sign, text } = headlineOf(state, now, words)
  document.title = `${sign} ${text} · Budao`
  document.body.classList.toggle('stale', state.unreachable !== null)
  // Only a change of the headline is spoken: the numbers below it change every second.
  if (announced !== text) part('announce').textContent = announced = text
}

function view(now: Date): Node[] {
  switch (route.page) {
    case 'overview':
      return overview(state, others, now, words)
    case 'releases':
      return [...shortBanner(state, now, words), ...releaseView(releases, state.report !== null, now, words)]
    case 'alerts':
      return [
        ...shortBanner(state, now, words),
        ...alertView(state.alerts, state.report !== null, choice(), now, words),
      ]
    case 'logs':
      return [
        ...shortBanner(state, now, words),
        ...(logPage.state === null ? [] : logView(logPage.state, now, words)),
      ]
  }
}

function choice(): AlertChoice {
  return alertChoices.find((each) => each === route.query['state']) ?? 'firing'
}

/** Another page, or the same with another search. */
function goTo(next: PageRoute): void {
  const turned = next.page !== route.page
  route = next
  if (next.page === 'logs') logForm.open(next.query)
  else logPage.leave()
  if (turned) alertsAsked.hurry(next.page === 'alerts')
  if (turned) releasesAsked.hurry(next.page === 'releases')
  if (turned && !asking) ask()
  show()
  // Whoever reads with a screen reader hears that the page is another one.
  if (turned) part('main').focus()
}

function notice(tone: 'good' | 'bad', text: string): void {
  clearTimeout(noticeTimer)
  patch(part('notice'), [el('p', { class: `notice ${tone}` }, text)])
  // What went wrong stays until something else happens: it has to be read.
  if (tone === 'good') noticeTimer = window.setTimeout(() => patch(part('notice'), []), noticeMs)
}

function setLanguage(next: Language): void {
  language = next
  words = languages[language]
  localStorage.setItem(languageItem, language)
  translate()
  show()
}

function translate(): void {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll<HTMLElement>('[data-t]')) {
    const text = words[element.dataset['t'] as keyof Words]
    if (typeof text === 'string') element.textContent = text
  }
  part('pages').setAttribute('aria-label', words.pagesTitle)
  part('language').textContent = words.otherLanguage
  part('language').lang = language === 'en' ? 'zh' : 'en'
}
