/** Seeds that once failed, each with the story of what was found. They run before any other. */
export const seedsThatFailed: readonly { readonly seed: number; readonly story: string }[] = []
