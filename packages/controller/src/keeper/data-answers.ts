import { z } from 'zod'
import type { DataPosition } from './site-data.ts'

const count = z.number().min(0)
const positionAnswer = z.object({
  position: z.int().min(0),
  epoch: z.int().min(0).default(0),
  lagMs: count.nullable().default(null),
  divergence: z.int().min(0).default(0),
  capacityPercent: count.default(100),
  inSync: z.array(z.string()).default([]),
})
const workAnswer = z.object({ ok: z.boolean(), why: z.string().default('it said no') })

/** How far the data is, in the answer of whoever keeps it. Throws for one that makes no sense. */
export function positionIn(text: string): DataPosition {
  return positionAnswer.parse(JSON.parse(text))
}

/** Whether what was told is done, and why not. Throws for an answer that makes no sense. */
export function workDoneIn(text: string): { readonly ok: boolean; readonly why: string } {
  return workAnswer.parse(JSON.parse(text))
}
