import type {
  NodeRole,
  OrderAnswer,
  Placement,
  SiteOpinion,
  SiteOrder,
  SitePosition,
  SiteStandby,
} from '@budao/model'
import { siteOrders, standbyStates, suspicionCauses } from '@budao/model'
import { z } from 'zod'

/** Version of what nodes say to each other. Nodes of different ones do not talk. */
export const linkProtocol = 3

/** Longest line before a peer is known, and after, bytes. */
export const helloBytesMax = 4_096
export const lineBytesMax = 1_048_576

const id: z.ZodType<string> = z.string().min(1).max(320)
const count: z.ZodType<number> = z.number().int().nonnegative()
const ms: z.ZodType<number> = z.number().nonnegative()
const age: z.ZodType<number | null> = ms.nullable()

/** Who a node is, as it says when a connection begins. */
export interface Hello {
  readonly t: 'hello'
  readonly proto: number
  readonly node: string
  readonly domain: string
  readonly site: string | null
  readonly start: string
  readonly roles: readonly NodeRole[]
  readonly admin: string | null
}

const hello: z.ZodType<Hello> = z.strictObject({
  t: z.literal('hello'),
  proto: z.number(),
  node: id,
  domain: id,
  site: id.nullable(),
  start: id,
  roles: z.array(z.enum(['observer', 'keeper', 'controller', 'agent'])).max(8),
  admin: z.string().max(320).nullable(),
})

const opinion: z.ZodType<SiteOpinion> = z.strictObject({
  observer: id,
  domain: id,
  service: id,
  site: id,
  state: z.enum(['up', 'degraded', 'suspect', 'down']),
  abstains: z.string().max(320).nullable(),
  evidence: z.strictObject({
    causes: z.array(z.enum(suspicionCauses)).max(16),
    sinceMs: ms,
    answeredMs: age,
    servedMs: age,
    phi: z.number(),
    misses: count,
    probesFailed: count,
    probesSent: count,
    flapPenalty: z.number(),
  }),
  slow: z.exactOptional(z.strictObject({ by: z.enum(['traffic', 'probes']), ms, usualMs: ms })),
  traffic: z.exactOptional(z.strictObject({ requests: count, ms })),
})

const position: z.ZodType<SitePosition> = z.strictObject({
  service: id,
  site: id,
  position: count,
  epoch: count,
  lagMs: age,
  divergence: count,
  capacityPercent: z.number(),
})

const standby: z.ZodType<SiteStandby> = z.strictObject({
  service: id,
  site: id,
  state: z.enum(standbyStates),
  ordered: z.boolean(),
  why: z.string().max(320),
})

/** A position, and the unit whose it is: a service may have several. */
export interface UnitPosition {
  readonly unit: string
  readonly position: SitePosition
}

const order: z.ZodType<SiteOrder> = z.strictObject({
  stepId: id,
  unit: id,
  epoch: count,
  site: id,
  order: z.enum(siteOrders),
})

const placement: z.ZodType<Placement> = z.strictObject({
  unit: id,
  service: id,
  epoch: count,
  owner: id.nullable(),
  readers: z.array(id).min(1).max(64),
})

const orderAnswer: z.ZodType<OrderAnswer> = z.strictObject({
  stepId: id,
  ok: z.boolean(),
  why: z.string().max(1_000),
  position: z.exactOptional(z.number()),
})

/** What one node asks of another, answered once. */
export type Question =
  /** The plain heartbeat: answered by whoever reads the connection. */
  | { readonly kind: 'plain' }
  | { readonly kind: 'order'; readonly order: SiteOrder }
  /** Where a unit’s writes go; answered once it is taken up. */
  | { readonly kind: 'place'; readonly placement: Placement }
  /** To who decides: this node ends, and holds the unit. */
  | { readonly kind: 'leave'; readonly unit: string }

/** What came of it; null where there is nothing to say. */
export type Answer = OrderAnswer | null

const question: z.ZodType<Question> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plain') }),
  z.strictObject({ kind: z.literal('order'), order }),
  z.strictObject({ kind: z.literal('place'), placement }),
  z.strictObject({ kind: z.literal('leave'), unit: id }),
])

/** Everything that goes over an open link, one JSON object a line. */
export type Frame =
  /** The other node may talk. */
  | { readonly t: 'welcome' }
  /** This connection is not wanted, and why: another one will not help. */
  | { readonly t: 'refuse'; readonly why: string }
  /** It ends on purpose: nothing is to be concluded from its end. `leaves`: the node itself goes. */
  | { readonly t: 'bye'; readonly leaves: boolean }
  /** To be echoed by the loop that serves. */
  | { readonly t: 'beat'; readonly n: number }
  | { readonly t: 'echo'; readonly n: number }
  | {
      readonly t: 'opinions'
      readonly opinions: readonly SiteOpinion[]
      readonly positions: readonly UnitPosition[]
      /** Of the node’s own site. */
      readonly standbys: readonly SiteStandby[]
    }
  | { readonly t: 'ask'; readonly id: number; readonly ask: Question }
  | { readonly t: 'answer'; readonly id: number; readonly answer: Answer }

const frame: z.ZodType<Frame> = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('welcome') }),
  z.strictObject({ t: z.literal('refuse'), why: z.string().max(1_000) }),
  z.strictObject({ t: z.literal('bye'), leaves: z.boolean() }),
  z.strictObject({ t: z.literal('beat'), n: count }),
  z.strictObject({ t: z.literal('echo'), n: count }),
  z.strictObject({
    t: z.literal('opinions'),
    opinions: z.array(opinion).max(4_096),
    positions: z.array(z.strictObject({ unit: id, position })).max(4_096),
    standbys: z.array(standby).max(4_096),
  }),
  z.strictObject({ t: z.literal('ask'), id: count, ask: question }),
  z.strictObject({ t: z.literal('answer'), id: count, answer: orderAnswer.nullable() }),
])

/** A line as a frame; a sentence that says what is wrong with it otherwise. */
export function parseFrame(line: string): Frame | string {
  return parse(frame, line)
}

/** The first line of a connection. */
export function parseHello(line: string): Hello | string {
  return parse(hello, line)
}

function parse<T>(schema: z.ZodType<T>, line: string): T | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'no JSON'
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`
}
