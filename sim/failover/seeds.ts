/** Seeds that once failed, each with the story of what was found. They run before any other. */
export const seedsThatFailed: readonly { readonly seed: number; readonly story: string }[] = [
  {
    seed: 1060,
    story:
      'the first grant counted as a move, so a site that died within ten seconds of it was left late; the loop turned without time passing',
  },
]
