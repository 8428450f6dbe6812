import { Document, isMap, isSeq, type Node, visit } from 'yaml'
import type { Fragment, Written } from './imported.ts'
import { withDefaults } from './merge.ts'

/** Stands where a file names a service but no address: nothing answers there. */
export const placeholderAddress = '127.0.0.1:9'

/** Several for one service, which takes no address twice. */
export function placeholderAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `127.0.0.${1 + (index % 250)}:9`)
}

const placeholder = /127\.0\.0\.\d+:9(?!\d)/

const placeholderComment = ' PLACEHOLDER: the file names no address for this service'

/** A whole configuration out of an imported part. */
export function wholeConfig(fragment: Fragment): Written {
  const { sites, listeners, virtualIp, services, serviceDefaults, routes } = fragment
  return {
    version: 1,
    node: { name: 'gw-1', site: sites[0] },
    sites: Object.fromEntries(sites.map((site) => [site, {}])),
    listeners:
      listeners.length > 0 ? listeners : [{ name: 'web', address: '0.0.0.0:8080', protocol: 'http' }],
    ...(virtualIp === undefined ? {} : { virtualIp }),
    services: withDefaults(services, serviceDefaults),
    routes,
  }
}

/** The configuration as YAML; `head` are lines of a comment above it. Placeholders are marked. */
export function yamlOf(config: Written, head: readonly string[]): string {
  const document = new Document(config, { aliasDuplicateObjects: false })
  document.commentBefore = head.map((line) => ` ${line}`).join('\n')
  visit(document, {
    Pair: (_, { value }) => {
      // Small things on one line, as people write them.
      if ((isMap(value) || isSeq(value)) && isSmall(value)) value.flow = true
    },
    Map: (_, map) => {
      if (isSmall(map)) map.flow = true
    },
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && placeholder.test(scalar.value))
        scalar.comment = placeholderComment
    },
  })
  return `${document.toString({ lineWidth: 110 }).trimEnd()}\n`
}

function isSmall(node: Node): boolean {
  const text = JSON.stringify(node)
  return text.length <= 80 && !placeholder.test(text)
}
