import { flaws } from './flaw.ts'
import type { Flaw } from './flaw.ts'
import type { Told } from './inbox.ts'

const releases: Readonly<Record<Flaw, string>> = {
  good: 'A good one',
  errors: 'One with errors',
  slow: 'A slow one',
  crashing: 'One that crashes',
  subtle: 'One that is a little worse',
}

const style = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2rem auto; padding: 0 1rem; color: #222 }
  article { border: 1px solid #ddd; border-radius: 6px; padding: .6rem 1rem; margin: 1rem 0 }
  h2 { font-size: 1rem; margin: .2rem 0 } small { color: #666 } pre { white-space: pre-wrap; font: inherit; margin: .4rem 0 }
  button { font: inherit; padding: .4rem 1rem } code { background: #f4f4f4; padding: 0 .3em }`

/** The page of the demo's mailbox and robot; looks again by itself. */
export function inboxPage(told: readonly Told[]): string {
  const messages = told.map(
    ({ at, by, to, title, text }) =>
      `<article><small>${escape(at.slice(11, 19))} UTC · ${by} · ${escape(to)}</small>` +
      `<h2>${escape(title)}</h2><pre>${linked(escape(text))}</pre></article>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Alerts of the demo</title><style>${style}</style>
<h1>Mailbox and robot</h1>
<p>The shop's bank does not answer for a moment, and 120 payments fail. Each is a line in the shop's log; the rule in
<code>examples/shop/alerts.json</code> makes one message of them.</p>
<form method="post" action="/errors"><button>Make 120 errors</button></form>
<p>The shop gets a next release: a fifth of the phones first, then half, then all. A bad one goes back by itself; watch it under Releases in the
console.</p>
<form method="post" action="/release">${buttons()}</form>
${messages.length === 0 ? '<p>Nobody was told of anything yet.</p>' : messages.join('\n')}
`
}

function buttons(): string {
  return flaws.map((flaw) => `<button name="flaw" value="${flaw}">${releases[flaw]}</button>`).join(' ')
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function linked(html: string): string {
  return html.replaceAll(/https?:\/\/[^\s<&]+/g, (url) => `<a href="${url}">${url}</a>`)
}
