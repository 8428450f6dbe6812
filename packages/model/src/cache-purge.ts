/** What caches are to forget. All that is given must hold; nothing given is everything. */
export interface CachePurge {
  readonly route?: string
  /** One address, `https://shop.example/products?page=1`: the answers to it, whatever else they vary by. */
  readonly url?: string
  /** Every address that begins so: `https://shop.example/products/`. */
  readonly prefix?: string
  /** A word that answers carry in the route's `tagHeader`. */
  readonly tag?: string
}
