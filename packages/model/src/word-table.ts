/** What a table says of a word from outside: `constructor` and what else every object has are no words of it. */
export function wordIn<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined
}
