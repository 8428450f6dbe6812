import { readFile } from 'node:fs/promises'
import { isIPv4, isIPv6 } from 'node:net'

/** Where systems keep names that need no server. */
const HOSTS_FILE = process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts'

/**
 * The addresses that the hosts file gives a name, in its order; none when it does not have it. `localhost` is this
 * machine whatever the file says (RFC 6761, 6.3).
 */
export async function hostsAddresses(name: string, file: string = HOSTS_FILE): Promise<readonly string[]> {
  const wanted = name.toLowerCase()
  const text = await readFile(file, 'utf8').catch(() => '')
  const found = text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (!isIPv4(address) && !isIPv6(address)) return []
    return names.some((each) => each.toLowerCase() === wanted) ? [address] : []
  })
  if (found.length > 0) return [...new Set(found)]
  return wanted === 'localhost' || wanted.endsWith('.localhost') ? ['127.0.0.1', '::1'] : []
}
