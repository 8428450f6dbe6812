import { z } from 'zod'

/** In which order apps are to try their channels. */
export interface ChannelOrder {
  readonly version: number
  /** Origins, best first. */
  readonly order: readonly string[]
}

const schema: z.ZodType<ChannelOrder> = z.strictObject({
  version: z.int().min(1).max(2_147_483_647),
  order: z
    .array(z.string().regex(/^https?:\/\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/))
    .min(1)
    .max(16),
})

/** Reads the file of a channel list. Throws an Error that says what was expected and where. */
export function parseChannelOrder(text: string): ChannelOrder {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('expected JSON such as {"version": 3, "order": ["https://a.example.com"]}')
  }
  const read = schema.safeParse(value)
  if (!read.success) {
    const { path, message } = read.error.issues[0]!
    throw new Error(path.length === 0 ? message : `${z.core.toDotPath(path)}: ${message}`)
  }
  if (new Set(read.data.order).size < read.data.order.length) throw new Error('order: an origin given twice')
  return read.data
}

/** Why apps that know `before` would not take `next`; empty when they do. */
export function orderProblem(before: ChannelOrder | null, next: ChannelOrder): string {
  if (before === null) return ''
  const { version } = before
  if (next.version < version)
    return `version: expected at least ${version}, which is in force, got ${next.version}`
  if (next.version === version && next.order.join() !== before.order.join())
    return `version: expected more than ${version}, since the order is another, got ${next.version}`
  return ''
}
