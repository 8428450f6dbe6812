/**
 * The variable in which an agent gives a process the name of this one start of it. A node that finds it goes by it, so
 * that the agent knows whose lease a process held that it saw exit; one that does not makes a name of its own.
 */
export const startVariable = 'BUDAO_START'
