import type { Answer } from 'dns-packet'

/** What a record holds, as zone files write it; names with a dot at their end. Null for types that are not answered with. */
export function recordText(answer: Answer): string | null {
  switch (answer.type) {
    case 'A':
    case 'AAAA':
      return answer.data
    case 'CNAME':
    case 'NS':
      return `${answer.data}.`
    case 'TXT':
      return [answer.data]
        .flat()
        .map((text) => quoted(String(text)))
        .join(' ')
    case 'MX':
      return `${answer.data.preference ?? 0} ${answer.data.exchange}.`
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data
      return `${priority} ${weight} ${port} ${target}.`
    }
    case 'CAA':
      return `${answer.data.flags ?? 0} ${answer.data.tag} ${quoted(answer.data.value)}`
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = answer.data
      return `${mname}. ${rname}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'HINFO':
      return `${quoted(answer.data.cpu)} ${quoted(answer.data.os)}`
    default:
      return null
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
