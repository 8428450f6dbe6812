import { compareStamps, type MergeRule, type Row } from '@budao/model'
import { joinRecords } from './column.ts'
import { joinVersions } from './join.ts'
import { initialVersion, rowOf, type RowVersion } from './row-version.ts'

/** A row as it lies at a site, beside what was merged of it there. */
export interface SiteRow {
  readonly site: string
  readonly row: Row | null
  /** Of a register with the row that lies there; null: nothing was merged. */
  readonly version: RowVersion | null
  /** The row is another than replication left there: somebody wrote past it. False: not that anybody knows. */
  readonly isAltered: boolean
}

/** What a row is to be at both sites. */
export interface RightVersion {
  /** Null: it is to go. */
  readonly row: Row | null
  readonly version: RowVersion | null
}

/**
 * What a row that two sites have differently, and no change is under way for, is to be at both, by the rule of its table. Null: the
 * rule does not say, a person has to. Symmetric: whichever site comes first.
 */
export function rightVersion(key: string, a: SiteRow, b: SiteRow, rule: MergeRule): RightVersion | null {
  const [one, other] = a.site < b.site ? [a, b] : [b, a]
  const [v, w] = [one, other].map((each) => each.version ?? initialVersion(each.row, rule)) as [
    RowVersion | null,
    RowVersion | null,
  ]
  if (v === null && w === null) return { row: null, version: null }
  if (v?.kind === 'columns' || v?.kind === 'siblings' || w?.kind === 'columns' || w?.kind === 'siblings')
    return merged(key, [one, v], [other, w], rule)
  const chosen = chooseRegister(key, [one, v], [other, w], rule)
  if (chosen === null) return null
  const [{ row }, version] = chosen
  const seen = joinRecords(v?.seen ?? {}, w?.seen ?? {}, Math.max)
  // Rows of before replication have no version, and need none.
  const isKnown = one.version !== null || other.version !== null
  return { row, version: version === null || !isKnown ? null : { ...version, seen, row } }
}

type Side = readonly [site: SiteRow, version: RowVersion | null]
type Register = Extract<RowVersion, { readonly kind: 'register' }>
type RegisterSide = readonly [site: SiteRow, version: Register | null]

/** Everything that was merged is in the versions: whatever lies in a table beside it does not count. */
function merged(key: string, one: Side, other: Side, rule: MergeRule): RightVersion | null {
  // Of before replication at both, and not the same: nobody has changed it, so no rule knows.
  if (one[0].version === null && other[0].version === null && one[1] !== null && other[1] !== null)
    return null
  // Who knows of changes goes first: where stamps are equal the first one stands.
  const [first, second] = one[0].version === null ? [other, one] : [one, other]
  const version = joinVersions(key, first[1], second[1], rule)
  return { row: rowOf(version, rule), version }
}

/** Whose row stands as a whole. */
function chooseRegister(
  key: string,
  one: Side | RegisterSide,
  other: Side | RegisterSide,
  rule: MergeRule,
): RegisterSide | null {
  const [a, b] = [one, other] as [RegisterSide, RegisterSide]
  const [[siteA, v], [siteB, w]] = [a, b]
  if (rule.name === 'owner') {
    const [before, after] = [v?.epoch ?? 0, w?.epoch ?? 0]
    const owner = rule.ownerOf(key, siteA.row ?? siteB.row)
    // Of two leases the later one's; under the same one, or none, the owner's own.
    const [mine, theirs] =
      before !== after ? (before > after ? [a, b] : [b, a]) : owner === siteB.site ? [b, a] : [a, b]
    const isOwner = before !== after || mine[0].site === owner
    if (!isOwner) return null
    if (!mine[0].isAltered) return mine
    return theirs[0].isAltered || theirs[1] === null ? null : theirs
  }
  if (v === null || w === null) return v === null ? b : a
  const order = compareStamps(v.stamp, w.stamp)
  if (order === 0) {
    if (siteA.isAltered !== siteB.isAltered) return siteA.isAltered ? b : a
    // The same write, and two rows: it was made at one of the sites, and the other has a copy of it.
    const { origin } = v.stamp
    return origin === siteA.site ? a : origin === siteB.site ? b : null
  }
  if (rule.name === 'park') return null
  const later = order > 0 ? a : b
  return later[0].isAltered ? null : later
}
