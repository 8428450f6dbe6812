import * as glassEasel from 'glass-easel'
import { MiniProgramEnv } from 'glass-easel-miniprogram-adapter'
import { Bars } from './bars.ts'
import { defineBuiltIns } from './built-in-components.ts'
import { Overlays } from './overlays.ts'
import { PageStack } from './page-stack.ts'
import type { Program } from './program.ts'
import { Network } from './wx/network.ts'
import { Presence } from './wx/presence.ts'
import { Requests, type RequestReport } from './wx/requests.ts'
import { createWx, launchOptions } from './wx/wx.ts'

interface AppInstance {
  onLaunch?(options: object): void
  onShow?(options: object): void
  onHide?(): void
  onError?(message: string): void
}

/** What the desk around the phone may do with it. */
export interface Phone {
  readonly network: Network
  readonly presence: Presence
  onReport: (report: RequestReport) => void
}

/** Starts a mini program in this document. */
export function boot(program: Program): void {
  const network = new Network()
  const presence = new Presence()
  const phone: Phone = { network, presence, onReport: () => {} }
  const { domains } = program
  const requests = new Requests({ domains, network, presence, onReport: (report) => phone.onReport(report) })

  const context = new glassEasel.CurrentWindowBackendContext()
  context.onEvent((target, type, detail, options) => {
    glassEasel.triggerEvent(target, type, detail, options)
  })
  const env = new MiniProgramEnv()
  const backend = env.associateBackend(context)
  const space = env.createCodeSpace('', true)
  defineBuiltIns(space.getComponentSpace())

  const bars = new Bars(
    program.config,
    () => pages.navigateBack(),
    (path) => pages.switchTab(`/${path}`),
  )
  const pages = new PageStack(program, space, backend, bars)
  const wx = createWx({ requests, network, presence, pages, bars, overlays: new Overlays() })
  let app: AppInstance = {}
  Object.assign(globalThis, {
    wx,
    phone,
    App: (instance: AppInstance) => void (app = instance),
    getApp: () => app,
    getCurrentPages: () => pages.pages,
  })

  for (const { path, config, template, styleScope } of program.definitions) {
    space.addComponentStaticConfig(path, config as never)
    space.addCompiledTemplate(path, template)
    space.addStyleSheet(path, undefined, styleScope)
  }
  program.loadApp()
  for (const { path, load } of program.definitions) space.globalComponentEnv(globalThis, path, load)

  addEventListener('error', ({ message }) => app.onError?.(message))
  const first = program.config.pages[0]!
  app.onLaunch?.(launchOptions(first))
  app.onShow?.(launchOptions(first))
  presence.onShow(() => {
    app.onShow?.(launchOptions())
    pages.top?.onShow?.()
  })
  presence.onHide(() => {
    pages.top?.onHide?.()
    app.onHide?.()
  })
  pages.reLaunch(`/${first}`)
  // Absent where the page is opened by http from another computer.
  void navigator.serviceWorker?.register('/kept-package.js')
}
