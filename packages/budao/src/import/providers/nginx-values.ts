import { formatDuration } from '@budao/model'

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
}

/** Milliseconds of a time such as `30`, `30s` or `1h 30m`; undefined when it is none. */
export function timeMs(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  if (!/^(\d+(ms|[smhdwMy])\s*)+$/.test(text)) return undefined
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwMy])/g)) ms += Number(count) * unitsMs[unit!]!
  return ms
}

/** As the configuration writes it, at least 1 ms and at most its longest. */
export function durationText(ms: number): string {
  return formatDuration(Math.min(Math.max(1, Math.round(ms)), 2_073_600_000))
}

/** Bytes of a size such as `1024`, `8k` or `10m`; undefined when it is none. */
export function sizeBytes(text: string): number | undefined {
  const match = /^(\d+)([kKmMgG]?)$/.exec(text)
  if (match === null) return undefined
  const power = { '': 0, k: 1, m: 2, g: 3 }[match[2]!.toLowerCase()]!
  return Number(match[1]) * 1024 ** power
}

/** The value of `name=value` among arguments; undefined when it is not there. */
export function parameter(args: readonly string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Replaces variables that are set to a fixed text; what is left begins with `$`. */
export function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    return variables.get(braced ?? plain!) ?? whole
  })
}
