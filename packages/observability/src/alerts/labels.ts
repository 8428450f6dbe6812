/** Labels of an alert. One that is empty is the same as one that is not there. */
export type LabelSet = Readonly<Record<string, string>>

/** The same text for the same labels, in whatever order they were given: what two alerts are told apart by. */
export function identityOf(labels: LabelSet): string {
  return JSON.stringify(
    Object.entries(labels)
      .filter(([, value]) => value !== '')
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}
