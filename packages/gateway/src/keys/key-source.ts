import type { JWTVerifyGetKey } from 'jose'

/** Where the keys that tokens are checked with come from. */
export interface KeySource {
  /** Changes with every reading that gave other keys. */
  readonly generation: number
  /** The key for a token's header, to be given to jose; null before there are any keys. */
  readonly find: JWTVerifyGetKey | null
  /** Looks for newer keys. Resolves to whether there are; never rejects. */
  refresh(): Promise<boolean>
  close(): void
}
