import type { Gslb, GslbOptions, GslbSource } from './gslb.ts'

/** As `Gslb.start`; what it needs is loaded only where a configuration has names to answer for. */
export async function startGslb(source: GslbSource, options: GslbOptions): Promise<Gslb> {
  const { Gslb } = await import('./gslb.ts')
  return Gslb.start(source, options)
}
