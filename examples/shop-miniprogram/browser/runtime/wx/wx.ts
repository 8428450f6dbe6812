import type { Bars } from '../bars.ts'
import type { Overlays } from '../overlays.ts'
import type { PageStack } from '../page-stack.ts'
import type { Network } from './network.ts'
import type { Presence } from './presence.ts'
import type { Requests } from './requests.ts'
import { settle, type Callbacks } from './settle.ts'
import { WxStorage } from './storage.ts'

export interface WxParts {
  readonly requests: Requests
  readonly network: Network
  readonly presence: Presence
  readonly pages: PageStack
  readonly bars: Bars
  readonly overlays: Overlays
}

/** The part of `wx` that exists here. Anything else is missing, and says so when it is called. */
type WxHere = Partial<WechatMiniprogram.Wx>

/** `wx` as the mini program sees it; each function typed as WeChat types it. */
export function createWx({ requests, network, presence, pages, bars, overlays }: WxParts): WxHere {
  const storage = new WxStorage()
  const done = (name: string, options: Callbacks | undefined, act: () => void): never =>
    settle(name, options, () => {
      act()
      return {}
    })
  return {
    request: (options) => requests.start(options as WechatMiniprogram.RequestOption),
    login: (options) => settle('login', options, () => ({ code: testLoginCode() })),

    getStorage: (options) => settle('getStorage', options, () => ({ data: storage.get(options.key) })),
    setStorage: (options) => done('setStorage', options, () => storage.set(options.key, options.data)),
    removeStorage: (options) => done('removeStorage', options, () => storage.remove(options.key)),
    clearStorage: (options) => done('clearStorage', options, () => storage.clear()),
    getStorageInfo: (options) => settle('getStorageInfo', options, () => storage.info()),
    getStorageSync: (key) => (storage.keys().includes(key) ? (storage.get(key) as never) : ('' as never)),
    setStorageSync: (key, data) => storage.set(key, data),
    removeStorageSync: (key) => storage.remove(key),

    getNetworkType: (options) =>
      settle('getNetworkType', options, () => ({
        networkType: network.type,
        signalStrength: 0,
        hasSystemProxy: false,
      })),
    onNetworkStatusChange: (listener) => network.on(listener),
    offNetworkStatusChange: (listener) => network.off(listener),
    onAppShow: (listener) => presence.onShow(() => listener(launchOptions() as never)),
    onAppHide: (listener) => presence.onHide(() => listener({ reason: 0 } as never)),

    navigateTo: (options) => done('navigateTo', options, () => pages.navigateTo(options.url)),
    redirectTo: (options) => done('redirectTo', options, () => pages.redirectTo(options.url)),
    switchTab: (options) => done('switchTab', options, () => pages.switchTab(options.url)),
    reLaunch: (options) => done('reLaunch', options, () => pages.reLaunch(options.url)),
    navigateBack: (options) => done('navigateBack', options, () => pages.navigateBack(options?.delta)),
    setNavigationBarTitle: (options) =>
      done('setNavigationBarTitle', options, () => pages.title(options.title)),
    setTabBarItem: (options) =>
      done('setTabBarItem', options, () => bars.tabText(options.index, options.text ?? '')),
    setTabBarBadge: (options) =>
      done('setTabBarBadge', options, () => bars.tabBadge(options.index, options.text)),
    removeTabBarBadge: (options) =>
      done('removeTabBarBadge', options, () => bars.tabBadge(options.index, '')),
    startPullDownRefresh: (options) => done('startPullDownRefresh', options, () => pages.startPullDown()),
    stopPullDownRefresh: (options) => done('stopPullDownRefresh', options, () => pages.stopPullDown()),

    showToast: (options) => done('showToast', options, () => overlays.toast(options)),
    hideToast: (options) => done('hideToast', options, () => overlays.hideToast()),
    showModal: (options) => settle('showModal', options, () => overlays.modal(options)),

    getAppBaseInfo: () =>
      ({
        language: languageHere(),
        theme: 'light',
        SDKVersion: '3.8.0',
        version: '8.0.0',
        host: {},
      }) as never,
    getSystemInfoSync: () =>
      ({ language: languageHere(), platform: 'devtools', SDKVersion: '3.8.0' }) as never,
    getWindowInfo: () =>
      ({ windowWidth: innerWidth, windowHeight: innerHeight, pixelRatio: devicePixelRatio }) as never,
    nextTick: (callback) => queueMicrotask(() => (callback as () => void)()),
    canIUse: () => true,
  }
}

/** What `App` and its listeners are told of how the mini program was opened: from the list of mini programs. */
export function launchOptions(path = ''): {
  path: string
  query: object
  scene: number
  referrerInfo: object
} {
  return { path, query: {}, scene: 1001, referrerInfo: {} }
}

/** WeChat's names for languages: `zh_CN`, `en`. */
function languageHere(): string {
  const [language = 'en', region = 'CN'] = navigator.language.split('-')
  return language === 'zh' ? `zh_${region}` : language
}

/** One that a gateway's provider for tests takes: each only once, and of this browser. */
function testLoginCode(): string {
  const kept = localStorage.getItem('phone')
  const phone = kept ?? `wx${crypto.randomUUID().slice(0, 8)}`
  if (kept === null) localStorage.setItem('phone', phone)
  return `test-${phone}-${crypto.randomUUID().slice(0, 8)}`
}
