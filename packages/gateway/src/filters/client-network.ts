/**
 * What one client can be assumed to hold: an IPv4 address as it is, of an IPv6 address its /64, since anybody has
 * 2^64 of those to choose from. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. Other text
 * is given back as it is.
 */
export function clientNetwork(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]!

  const [beforeGap = '', afterGap] = address.toLowerCase().split('%', 1)[0]!.split('::', 2)
  const head = beforeGap === '' ? [] : beforeGap.split(':')
  if (afterGap !== undefined) {
    const tail = afterGap === '' ? [] : afterGap.split(':')
    // A dotted end stands for two groups.
    const length = tail.length + (tail.at(-1)?.includes('.') ? 1 : 0)
    while (head.length + length < 8) head.push('0')
    head.push(...tail)
  }
  return `${head
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
