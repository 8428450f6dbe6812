/**
 * The variable in which an agent gives a process the name of this one start of it. A node that finds it goes by it, so
 * that the agent knows whose lease a process held that it saw exit; one that does not makes a name of its own.
 */
export const startVariable = 'BUDAO_START'

/** The holder of a lease as its record names it: a node, and one start of it. */
export function holderName(node: string, start: string): string {
  return `${node}#${start}`
}
