const head =
  '<!doctype html><html lang="en"><meta charset="utf-8">' +
  '<meta name="viewport" content="width=device-width"><title>Budao</title>'
const shownMax = 20

/** The page behind a link of a message. `about` null: the link is none; `done`: so many alerts were acknowledged. */
export function ackPage(
  about: readonly string[] | null,
  done: number | null,
): { readonly status: number; readonly html: string } {
  if (about === null)
    return {
      status: 404,
      html: `${head}<p>This link is not valid, or older than a week.<p>此链接无效，或已超过一周。`,
    }
  if (done !== null) {
    const html =
      done === 0
        ? `${head}<p>Nothing of it fires any more.<p>相关告警均已恢复。`
        : `${head}<p>Acknowledged: ${done}. Nobody else is woken for it.<p>已确认 ${done} 条告警，不再升级通知。`
    return { status: 200, html }
  }
  const list = about.slice(0, shownMax).map((line) => `<li>${escapeHtml(line)}`)
  const more = about.length > shownMax ? `<li>… ${about.length - shownMax}` : ''
  return {
    status: 200,
    html:
      about.length === 0
        ? `${head}<p>Nothing of it fires any more.<p>相关告警均已恢复。`
        : `${head}<ul>${list.join('')}${more}</ul><form method="post"><button>Acknowledge · 确认</button></form>`,
  }
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
