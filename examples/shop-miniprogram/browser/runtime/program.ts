import type * as glassEasel from 'glass-easel'

/** What the builder makes of a page's or component's four files. */
export interface Definition {
  /** Without an ending: `pages/cart/cart`. */
  readonly path: string
  readonly isPage: boolean
  readonly config: PageConfig
  readonly template: glassEasel.template.ComponentTemplate
  /** Before the classes of a component, so that no other rule meets them. */
  readonly styleScope: string
  /** Runs its script, which calls `Page` or `Component`. */
  readonly load: () => unknown
}

/** A page's json, as far as this runtime reads it; what is missing is taken from the window of `app.json`. */
export interface PageConfig {
  readonly component?: boolean
  readonly usingComponents?: Readonly<Record<string, string>>
  readonly navigationBarTitleText?: string
  readonly enablePullDownRefresh?: boolean
}

export interface AppConfig {
  readonly pages: readonly string[]
  readonly window: PageConfig & {
    readonly navigationBarBackgroundColor?: string
    readonly backgroundColor?: string
  }
  readonly tabBar: {
    readonly color: string
    readonly selectedColor: string
    readonly list: readonly { readonly pagePath: string; readonly text: string }[]
  }
}

/** A whole mini program. */
export interface Program {
  readonly config: AppConfig
  /** Components first: a page finds those it uses. */
  readonly definitions: readonly Definition[]
  /** Runs `app.ts`, which calls `App`. */
  readonly loadApp: () => unknown
  /** Origins that `wx.request` may call. */
  readonly domains: readonly string[]
}
