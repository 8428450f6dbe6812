/** Pictures of the goods, drawn here: a mini program has little room, and a demo has no photographer. */
export function artOf(category: string, id: number): string {
  const palette = palettes[id % palettes.length]!
  const draw = drawings[category] ?? drawings['home']!
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120"><rect width="120" height="120" fill="${palette.ground}"/><circle cx="${24 + ((id * 37) % 72)}" cy="${20 + ((id * 23) % 40)}" r="${26 + (id % 4) * 6}" fill="#fff" opacity=".35"/>${draw(palette, id)}</svg>`
  return `data:image/svg+xml;base64,${base64(svg)}`
}

interface Palette {
  readonly ground: string
  readonly main: string
  readonly dark: string
  readonly light: string
}

const palettes: readonly Palette[] = [
  { ground: '#dcefe4', main: '#2f9e6e', dark: '#1d6b4a', light: '#a8dcc0' },
  { ground: '#fdebd9', main: '#ee8a3c', dark: '#a8551a', light: '#ffd0a6' },
  { ground: '#fde3e6', main: '#e2566b', dark: '#9c2c40', light: '#ffb9c4' },
  { ground: '#e3ebfb', main: '#4f7fe0', dark: '#2b4f9c', light: '#b8cdf7' },
  { ground: '#f3e8f8', main: '#9b62c4', dark: '#643a85', light: '#dabdf0' },
  { ground: '#fbf3d3', main: '#d8a91d', dark: '#8a6a0c', light: '#f4de8f' },
]

type Drawing = (palette: Palette, id: number) => string

const drawings: Readonly<Record<string, Drawing>> = {
  tea: ({ main, dark, light }, id) =>
    [
      // A cup.
      `<path d="M46 30q-6-8 0-15M60 28q-6-8 0-15M74 30q-6-8 0-15" fill="none" stroke="${dark}" stroke-width="3" stroke-linecap="round" opacity=".45"/>
      <path d="M30 46h60v18a30 30 0 0 1-60 0z" fill="${main}"/><path d="M90 50h6a11 11 0 0 1 0 22h-9" fill="none" stroke="${main}" stroke-width="6"/>
      <ellipse cx="60" cy="46" rx="30" ry="7" fill="${light}"/><path d="M54 46q8-7 16 0-8 7-16 0z" fill="${dark}"/><rect x="24" y="98" width="72" height="6" rx="3" fill="${dark}"/>`,
      // A caddy.
      `<rect x="36" y="34" width="48" height="66" rx="8" fill="${main}"/><rect x="33" y="22" width="54" height="18" rx="6" fill="${dark}"/><rect x="36" y="52" width="48" height="34" fill="${light}"/>
      <path d="M60 80q-16-4-14-20 16 0 14 20zM60 80q16-6 13-24-14 4-13 24z" fill="${dark}"/>`,
      // A pot.
      `<path d="M28 62a32 26 0 0 1 64 0q0 28-20 32H48q-20-4-20-32z" fill="${main}"/><path d="M90 58q14-2 16-18 4 34-22 38" fill="${main}"/><path d="M30 54q-18-4-16 14t20 14" fill="none" stroke="${main}" stroke-width="6"/>
      <path d="M44 44q16-10 32 0z" fill="${dark}"/><circle cx="60" cy="34" r="6" fill="${dark}"/><path d="M42 60q2-8 10-10" fill="none" stroke="${light}" stroke-width="5" stroke-linecap="round"/>`,
    ][id % 3]!,
  snacks: ({ main, dark, light }, id) =>
    id % 2 === 0
      ? `<path d="M36 26l6 5 6-5 6 5 6-5 6 5 6-5 6 5 6-5v72l-6 5-6-5-6 5-6-5-6 5-6-5-6 5-6-5z" fill="${main}"/>
      <circle cx="60" cy="62" r="17" fill="${light}"/><path d="M50 62a10 10 0 0 1 20 0z" fill="${dark}"/><path d="M50 66h20" stroke="${dark}" stroke-width="4" stroke-linecap="round"/><path d="M42 36v50" stroke="#fff" stroke-width="4" stroke-linecap="round" opacity=".4"/>`
      : `<g fill="${light}" stroke="${dark}" stroke-width="3"><circle cx="48" cy="50" r="13"/><circle cx="72" cy="48" r="14"/><circle cx="60" cy="38" r="12"/></g><path d="M26 58h68l-8 36a10 10 0 0 1-10 8H44a10 10 0 0 1-10-8z" fill="${main}"/><path d="M30 72h60" stroke="${light}" stroke-width="5"/>`,
  fruit: ({ main, dark, light }, id) =>
    id % 2 === 0
      ? `<path d="M60 40c-8-8-32-6-32 20s20 42 32 34c12 8 32-8 32-34s-24-28-32-20z" fill="${main}"/><path d="M60 40q-1-12 6-18" fill="none" stroke="${dark}" stroke-width="5" stroke-linecap="round"/><path d="M66 28q10-12 24-8-6 14-24 8z" fill="#4caf6d"/><path d="M38 56q2-9 10-11" fill="none" stroke="${light}" stroke-width="5" stroke-linecap="round"/>`
      : `<g fill="${main}"><circle cx="44" cy="48" r="13"/><circle cx="70" cy="48" r="13"/><circle cx="57" cy="67" r="13"/><circle cx="83" cy="64" r="13"/><circle cx="70" cy="86" r="13"/></g><g fill="${light}"><circle cx="40" cy="44" r="4"/><circle cx="66" cy="44" r="4"/><circle cx="53" cy="63" r="4"/><circle cx="79" cy="60" r="4"/><circle cx="66" cy="82" r="4"/></g><path d="M60 38q0-14 12-20" fill="none" stroke="${dark}" stroke-width="5" stroke-linecap="round"/><path d="M60 28q-12-12-24-4 8 14 24 4z" fill="#4caf6d"/>`,
  home: ({ main, dark, light }, id) =>
    id % 2 === 0
      ? `<path d="M26 54h68c0 24-14 38-34 38S26 78 26 54z" fill="${main}"/><ellipse cx="60" cy="54" rx="34" ry="8" fill="${light}"/><rect x="46" y="92" width="28" height="7" rx="3" fill="${dark}"/><path d="M36 66q4 14 14 18" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" opacity=".5"/>`
      : `<rect x="30" y="44" width="52" height="52" rx="12" fill="${main}"/><path d="M82 56h6a12 12 0 0 1 0 26h-6" fill="none" stroke="${dark}" stroke-width="6"/><rect x="28" y="36" width="56" height="10" rx="5" fill="${dark}"/><circle cx="56" cy="30" r="6" fill="${dark}"/><path d="M40 56v26" stroke="${light}" stroke-width="5" stroke-linecap="round"/>`,
  baby: ({ main, dark, light }, id) =>
    id % 2 === 0
      ? `<rect x="24" y="62" width="34" height="34" rx="6" fill="${main}"/><rect x="62" y="62" width="34" height="34" rx="6" fill="${dark}"/><path d="M60 22l20 34H40z" fill="${light}" stroke="${main}" stroke-width="4" stroke-linejoin="round"/><circle cx="41" cy="79" r="8" fill="#fff" opacity=".7"/><path d="M71 79h16M79 71v16" stroke="#fff" stroke-width="4" stroke-linecap="round" opacity=".8"/>`
      : `<circle cx="38" cy="40" r="13" fill="${main}"/><circle cx="82" cy="40" r="13" fill="${main}"/><circle cx="60" cy="64" r="34" fill="${main}"/><ellipse cx="60" cy="74" rx="17" ry="13" fill="${light}"/><circle cx="47" cy="56" r="4" fill="${dark}"/><circle cx="73" cy="56" r="4" fill="${dark}"/><path d="M55 70h10l-5 5z" fill="${dark}"/><path d="M60 75q0 7-7 6M60 75q0 7 7 6" fill="none" stroke="${dark}" stroke-width="3" stroke-linecap="round"/>`,
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Of ASCII. Mini programs have no `btoa`. */
function base64(text: string): string {
  let encoded = ''
  for (let i = 0; i < text.length; i += 3) {
    const [a, b, c] = [text.charCodeAt(i), text.charCodeAt(i + 1), text.charCodeAt(i + 2)]
    const bits = (a << 16) | ((b || 0) << 8) | (c || 0)
    encoded += digits[bits >> 18]! + digits[(bits >> 12) & 63]!
    encoded += i + 1 < text.length ? digits[(bits >> 6) & 63]! : '='
    encoded += i + 2 < text.length ? digits[bits & 63]! : '='
  }
  return encoded
}
