/** Seeds that once failed, each with the story of what was found. They run before any other. */
export const seedsThatFailed: readonly { readonly seed: number; readonly story: string }[] = [
  {
    seed: 1060,
    story:
      'the first grant counted as a move, so a site that died within ten seconds of it was left late; the loop turned without time passing',
  },
  {
    seed: 102_204,
    story:
      'a leader that was stopped for ten seconds began a move with what it knew before; with no site that had everything, the old one never got its work back',
  },
  {
    seed: 109_714,
    story: 'the same, after the store was away',
  },
  {
    seed: 504_913,
    story:
      'a planned move counted writes of another epoch: a site that had lost its work had as many, and others, and took it back as if nothing were missing',
  },
  {
    seed: 510_015,
    story: 'the same, with one write',
  },
]
