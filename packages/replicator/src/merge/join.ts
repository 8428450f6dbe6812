import { compareStamps, type MergeRule, type Stamp } from '@budao/model'
import { joinColumns, joinRecords, own } from './column.ts'
import type { ColumnsVersion, RegisterVersion, RowVersion, Sibling, SiblingsVersion } from './row-version.ts'

/**
 * The least version that holds both: commutative, associative, idempotent. What repair uses where two sites differ, and
 * what every applied event goes through.
 */
export function joinVersions(
  key: string,
  a: RowVersion | null,
  b: RowVersion | null,
  rule: MergeRule,
): RowVersion {
  if (a === null || b === null) return (a ?? b)!
  if (a.kind === 'register' && b.kind === 'register') return joinRegisters(key, a, b, rule)
  if (a.kind === 'columns' && b.kind === 'columns') return joinByColumn(a, b)
  if (a.kind === 'siblings' && b.kind === 'siblings') return joinSiblings(a, b)
  // The table's rule was changed while its old state was kept; one order of kinds, so that both sites agree.
  return a.kind < b.kind ? a : b
}

function joinRegisters(
  key: string,
  a: RegisterVersion,
  b: RegisterVersion,
  rule: MergeRule,
): RegisterVersion {
  const seen = joinRecords(a.seen, b.seen, Math.max)
  const [earlier, later] = compareStamps(a.stamp, b.stamp) <= 0 ? [a, b] : [b, a]
  if (rule.name === 'owner') {
    // Whoever holds the lease owns the row: of two leases the later one. Without one it is the site that the rule names.
    const [before = 0, after = 0] = [earlier.epoch, later.epoch]
    if (before !== after) return { ...(before > after ? earlier : later), seen }
    const owns = ({ stamp, row }: RegisterVersion): boolean => stamp.origin === rule.ownerOf(key, row)
    return { ...(owns(earlier) && !owns(later) ? earlier : later), seen }
  }
  return { ...later, seen }
}

/** What one side has and the other has not seen stays; what it has seen and no longer has was replaced. */
function joinSiblings(a: SiblingsVersion, b: SiblingsVersion): SiblingsVersion {
  const is = (one: Sibling, other: Sibling): boolean =>
    one.stamp.origin === other.stamp.origin && one.seq === other.seq
  const stays = (one: Sibling, { seen, siblings }: SiblingsVersion): boolean =>
    (own(seen, one.stamp.origin) ?? -1) < one.seq || siblings.some((other) => is(one, other))
  const fromA = a.siblings.filter((one) => stays(one, b))
  const fromB = b.siblings.filter((one) => stays(one, a) && !fromA.some((other) => is(one, other)))
  return {
    kind: 'siblings',
    seen: joinRecords(a.seen, b.seen, Math.max),
    stamp: latest(a.stamp, b.stamp)!,
    siblings: [...fromA, ...fromB].toSorted((x, y) => compareStamps(x.stamp, y.stamp)),
  }
}

function joinByColumn(a: ColumnsVersion, b: ColumnsVersion): ColumnsVersion {
  const columns: Record<string, ReturnType<typeof joinColumns>> = {}
  for (const name of new Set([...Object.keys(a.columns), ...Object.keys(b.columns)])) {
    columns[name] = joinColumns(own(a.columns, name), own(b.columns, name))
  }
  return {
    kind: 'columns',
    seen: joinRecords(a.seen, b.seen, Math.max),
    stamp: latest(a.stamp, b.stamp)!,
    created: latest(a.created, b.created),
    deleted: latest(a.deleted, b.deleted),
    columns,
  }
}

function latest(a: Stamp | null, b: Stamp | null): Stamp | null {
  if (a === null || b === null) return a ?? b
  return compareStamps(a, b) >= 0 ? a : b
}
