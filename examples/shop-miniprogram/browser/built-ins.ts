/** Components that every mini program has without asking for them: those of them that this one uses. */
export const builtIns: readonly string[] = ['view', 'text', 'button', 'input', 'image', 'scroll-view']
