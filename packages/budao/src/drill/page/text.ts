/** A text in both languages of a page; one of them is shown. Already safe to put into HTML. */
export type Bilingual = string & { readonly bilingual: never }

/** Plain texts in English and Chinese, as HTML. */
export function t(english: string, chinese: string): Bilingual {
  return both(escapeHtml(english), escapeHtml(chinese))
}

/** The same of what is HTML already. */
export function both(english: string, chinese: string): Bilingual {
  return `<span lang="en">${english}</span><span lang="zh-CN">${chinese}</span>` as Bilingual
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** As people read a time: `41 ms`, `3.1 s`, `2 min 5 s`. */
export function time(ms: number): string {
  const size = Math.abs(ms)
  if (size >= 120_000) return `${Math.floor(ms / 60_000)} min ${Math.round((size % 60_000) / 1000)} s`
  if (size >= 1_000) return `${(ms / 1000).toFixed(size >= 10_000 ? 1 : 2)} s`
  return size < 10 && size !== 0 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** From the fault: `+1.55 s`, `−5.00 s`. */
export function since(ms: number): string {
  if (Math.round(ms) === 0) return '0'
  return `${ms < 0 ? '−' : '+'}${time(Math.abs(ms))}`
}

/** `1 234`, with a narrow space that does not break. */
export function number(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** `0 %`, `0.03 %`, `12 %`. */
export function share(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %'
  const percent = (part / whole) * 100
  return `${percent >= 10 ? percent.toFixed(0) : percent >= 0.1 ? percent.toFixed(1) : percent.toPrecision(1)} %`
}
