import { cellsOf, floatsOf } from '../threads/arena.ts'
import type { RuntimeContext, RuntimePlan } from '../threads/runtime.ts'
import { createServed } from './create-served.ts'
import { numbersName } from './serve-memory.ts'
import type { Served } from './served.ts'

/** What the routes of a plan answer with by themselves, by index; null for those that do not. Rejects when one cannot. */
export async function servedRoutes(
  { snapshot, layout, baseDir }: RuntimePlan,
  context: RuntimeContext,
): Promise<(Served | null)[]> {
  const { routes, node, identity } = snapshot.config
  const made: (Served | null)[] = []
  try {
    for (const { name, serve } of routes) {
      const served =
        serve === undefined
          ? null
          : await createServed(serve, {
              route: name,
              node: node.name,
              baseDir,
              now: context.now,
              wallNow: context.wallNow,
              random: () => context.random.next(),
              warn: context.warn,
              report: context.report,
              identity,
              text: (each) => context.served!.get(each),
              numbers: (each) => floatsOf(context.memory, layout, numbersName(each, context.worker)),
              cells: (each) => cellsOf(context.memory, layout, each),
            })
      made.push(served)
    }
    return made
  } catch (error) {
    await closeServed(made)
    throw error
  }
}

export async function closeServed(served: readonly (Served | null)[]): Promise<void> {
  await Promise.all(served.map(async (each) => each?.close?.()))
}
