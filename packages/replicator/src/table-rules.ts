import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type Json,
  type MergeCallback,
  type MergeRule,
  partitionOf,
  type ReplicatedTableConfig,
  type ReplicationConfig,
  type RowOwnerConfig,
} from '@budao/model'
import type { ReplicatedTables } from './replicated-table.ts'

/** The tables of a configuration with their rules; loads the modules that they name. */
export async function replicatedTables(
  { tables }: Pick<ReplicationConfig, 'tables'>,
  baseDir: string,
): Promise<ReplicatedTables> {
  const read: Record<string, ReplicatedTables[string]> = {}
  for (const [name, table] of Object.entries(tables)) {
    read[name] = { rule: await ruleOf(name, table, baseDir), schemaVersion: table.schemaVersion }
  }
  return read
}

async function ruleOf(name: string, table: ReplicatedTableConfig, baseDir: string): Promise<MergeRule> {
  switch (table.rule) {
    case 'owner':
      return { name: 'owner', ownerOf: (key, row) => ownerOf(table.owner!, key, row) }
    case 'crdt':
      return { name: 'crdt', columns: table.columns! }
    case 'callback':
      return { name: 'callback', merge: await loadMerge(name, resolve(baseDir, table.module!)) }
    case 'last-writer':
    case 'fields':
    case 'park':
      return { name: table.rule }
  }
}

/** The site that a row belongs to. */
export function ownerOf(
  { column, sites }: RowOwnerConfig,
  key: string,
  row: Readonly<Record<string, Json>> | null,
): string {
  const value = column === undefined ? key : row?.[column]
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number))
    return sites[Math.abs(number) % sites.length]!
  return sites[partitionOf('', typeof value === 'string' ? value : key, sites.length)]!
}

async function loadMerge(table: string, path: string): Promise<MergeCallback> {
  const loaded = (await import(pathToFileURL(path).href)) as { merge?: MergeCallback }
  if (typeof loaded.merge !== 'function') {
    throw new Error(`replication.tables.${table}.module: ${path}: expected it to export a function merge`)
  }
  return loaded.merge
}
