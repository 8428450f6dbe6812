/** What a test, or anything else that ends, calls at its end: a `TestContext` is one. */
export interface Cleanup {
  after(work: () => unknown): unknown
}
