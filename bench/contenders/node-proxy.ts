import { fileURLToPath } from 'node:url'
import { packageVersion } from '../machine.ts'
import { lacksAllButPlain } from './contender.ts'
import type { Contender } from './contender.ts'

/** A library of the workspace, served by the file of the same name in `servers/`. */
export function nodeProxy(name: string, file: string): Contender {
  return {
    name,
    find: async () => ({ kind: 'found', program: process.execPath, version: packageVersion(name) }),
    lacks: lacksAllButPlain,
    prepare({ program, port, backends }) {
      const server = fileURLToPath(new URL(`servers/${file}`, import.meta.url))
      return { command: program, args: [server, String(port), ...backends], env: { NODE_ENV: 'production' } }
    },
  }
}
