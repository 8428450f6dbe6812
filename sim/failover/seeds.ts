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
  {
    seed: 260_190,
    story:
      'a witness that had been cut off heard one site a moment before the other, and called the other down, with the word of one that did not hear it',
  },
  {
    seed: 260_213,
    story:
      'a standby that had just been started took what an owner of the epoch before, stopped until then, sent it: its data knew better, and was not asked',
  },
  {
    seed: 3_012_773,
    story:
      'an older word of an observer came after a newer one, so a site was slow, well and slow again within 8 ms: counted as a change of mind by the checker; links keep the order',
  },
  {
    seed: 5_912,
    story:
      'the first grant went to east, which began two seconds later: when it was heard of, its time to take it was long over, and west got it',
  },
  {
    seed: 6_053_304,
    story:
      'the network to a site became slow while its only node was dead: nobody echoed, so the site was found slow: the checker did not know that nobody can tell',
  },
]
