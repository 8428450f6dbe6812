import postcss from 'postcss'
import type { AtRule, Declaration, Rule } from 'postcss'
import selectors from 'postcss-selector-parser'
import type { Root } from 'postcss-selector-parser'
import { builtIns } from './built-ins.ts'

/**
 * Whose style sheet it is.
 *
 * app        holds on every page
 * page       holds on this page only
 * component  holds in this component only: glass-easel puts `scope--` before its classes
 */
export type StyleOwner =
  | { readonly kind: 'app' }
  | { readonly kind: 'page'; readonly path: string }
  | { readonly kind: 'component'; readonly scope: string }

/** What wxss means, in CSS. Throws for CSS that is none, with file and line. */
export function compileStyleSheet(file: string, text: string, owner: StyleOwner): string {
  const root = postcss.parse(text, { from: file })
  root.walkDecls((declaration: Declaration) => {
    declaration.value = lengthsOf(declaration.value)
  })
  const rewrite = selectors((parsed: Root) => rewriteSelectors(parsed, owner))
  root.walkRules((rule: Rule) => {
    const { parent } = rule
    if (parent?.type === 'atrule' && (parent as AtRule).name.endsWith('keyframes')) return
    rule.selector = rewrite.processSync(rule.selector)
  })
  return root.toString()
}

/** 750rpx are the width of the screen, whichever that is. */
function lengthsOf(value: string): string {
  return value.replace(/(-?\d*\.?\d+)rpx\b/g, 'calc($1 * var(--rpx))')
}

function rewriteSelectors(parsed: Root, owner: StyleOwner): void {
  parsed.walkTags((tag) => {
    if (tag.value === 'page') tag.replaceWith(pageAttribute(owner))
    else if (builtIns.includes(tag.value)) tag.value = `wx-${tag.value}`
  })
  if (owner.kind === 'component')
    parsed.walkClasses((name) => {
      name.value = `${owner.scope}--${name.value}`
    })
  if (owner.kind === 'page')
    parsed.each((selector) => {
      if (selector.toString().includes('[data-page')) return
      selector.prepend(selectors.combinator({ value: ' ' }))
      selector.prepend(pageAttribute(owner))
    })
}

function pageAttribute(owner: StyleOwner): selectors.Attribute {
  const attribute = selectors.attribute({ attribute: 'data-page', value: undefined, raws: {} })
  if (owner.kind === 'page') {
    attribute.operator = '='
    attribute.setValue(owner.path, { quoteMark: '"' })
  }
  return attribute
}
