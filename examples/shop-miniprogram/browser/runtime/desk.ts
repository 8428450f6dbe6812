/** The desk around the phone: what goes over the network, and switches that a phone has at its side. */
import type { Phone } from './boot.ts'
import type { RequestReport } from './wx/requests.ts'

const requestsShown = 14
const lookMs = 2_000

const zh = {
  title: '不倒小铺，一个真的小程序',
  intro:
    '同一份 wxml、wxss 和 TypeScript，可以直接在微信开发者工具里打开；这里由 glass-easel 在浏览器里运行。它的请求经过 @budao/miniprogram，走下面两个网关。',
  gateways: '两个网关，两个通道',
  lose: '让东区整体消失',
  loseHow: '先把商品放进购物车，然后在终端里杀掉东区的机房和网关，再提交订单：',
  loseThen: '几秒后它们会自己回来（npm start -- --restart-after 60 可以更久）。',
  phone: '手机',
  airplane: '飞行模式',
  away: '切到后台',
  restart: '杀掉并重新打开',
  forget: '清空手机存储',
  requests: '网络',
  none: '还没有请求。',
}

const en: typeof zh = {
  title: 'A real mini program that stays up',
  intro:
    'The same wxml, wxss and TypeScript open in WeChat DevTools as they are; here glass-easel runs them in the browser. Requests go through @budao/miniprogram over these two gateways.',
  gateways: 'Two gateways, two channels',
  lose: 'Lose the site east as a whole',
  loseHow:
    'Put something in the cart, kill the shop and the gateway of east in a terminal, then place the order:',
  loseThen: 'They come back after a few seconds (npm start -- --restart-after 60 gives you longer).',
  phone: 'The phone',
  airplane: 'Airplane mode',
  away: 'To the background',
  restart: 'Kill and open again',
  forget: 'Forget everything',
  requests: 'Network',
  none: 'No requests yet.',
}

const texts: Readonly<Record<string, string>> = navigator.language.startsWith('zh') ? zh : en
for (const element of document.querySelectorAll<HTMLElement>('[data-text]'))
  element.textContent = texts[element.dataset['text']!] ?? ''

const find = (id: string): HTMLElement => document.getElementById(id)!
const frame = find('screen') as HTMLIFrameElement
const phone = (): Phone | undefined => (frame.contentWindow as unknown as { phone?: Phone }).phone

frame.addEventListener('load', () => {
  const here = phone()
  if (here === undefined) return
  here.onReport = showRequest
  // As the switches stand: a phone that is opened again is still in airplane mode.
  here.network.pretend(isPressed('airplane') ? 'none' : undefined)
  here.presence.pretendAway(isPressed('away'))
})

toggle('airplane', (on) => {
  find('phone').dataset['network'] = on ? 'none' : 'wifi'
  phone()?.network.pretend(on ? 'none' : undefined)
})
toggle('away', (on) => {
  find('phone').toggleAttribute('data-away', on)
  phone()?.presence.pretendAway(on)
})
find('restart').addEventListener('click', () => frame.contentWindow!.location.reload())
find('forget').addEventListener('click', () => {
  localStorage.clear()
  frame.contentWindow!.location.reload()
})

const gateways = JSON.parse(document.body.dataset['gateways']!) as string[]
const lines = gateways.map((origin) => {
  const line = Object.assign(document.createElement('li'), { textContent: origin })
  find('gateways').append(line)
  return { origin, line }
})
look()

function look(): void {
  find('clock').textContent = new Date().toTimeString().slice(0, 5)
  for (const { origin, line } of lines)
    fetch(`${origin}/budao/v1/ping`, { cache: 'no-store', signal: AbortSignal.timeout(lookMs) }).then(
      () => (line.dataset['state'] = 'up'),
      () => (line.dataset['state'] = 'down'),
    )
  setTimeout(look, lookMs)
}

function showRequest({ method, url, status, errMsg, ms }: RequestReport): void {
  find('none').hidden = true
  const { pathname, search, port } = new URL(url)
  const row = document.createElement('tr')
  row.className = status >= 200 && status < 500 ? 'good' : 'bad'
  const failure = errMsg
    .replace(/^request:fail (errcode.*net::ERR_)?/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
  const cells = [
    method,
    decodeURI(pathname + search),
    `:${port}`,
    status === 0 ? failure : String(status),
    `${ms} ms`,
  ]
  row.append(...cells.map((text) => Object.assign(document.createElement('td'), { textContent: text })))
  const list = find('requests')
  list.prepend(row)
  while (list.children.length > requestsShown) list.lastChild!.remove()
}

function toggle(id: string, onChange: (on: boolean) => void): void {
  find(id).addEventListener('click', () => {
    find(id).setAttribute('aria-pressed', String(!isPressed(id)))
    onChange(isPressed(id))
  })
}

function isPressed(id: string): boolean {
  return find(id).getAttribute('aria-pressed') === 'true'
}
