import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { CliError } from '../cli-error.ts'

/** One process of a site. Its name is an argument of its command line. */
export interface SiteProcess {
  readonly pid: number
  readonly name: string
}

/**
 * Reads a file of lines `PID name` and makes sure that every one of these processes runs and is what the file says:
 * its name must be an argument of its command line, or the name of a file in it, since the system may have given the number to somebody else.
 * Throws CliError otherwise. Blank lines and lines that begin with # are left out.
 */
export function readSiteProcesses(file: string): readonly SiteProcess[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new CliError(`cannot read the pid file ${file}: ${code}; is the site running?`, 1, { cause: error })
  }
  const processes = parsePidFile(text, file)
  if (processes.length === 0) throw new CliError(`the pid file ${file} names no process`)
  for (const one of processes) verify(one, file)
  return processes
}

/** Throws CliError naming the line that is not `PID name`. */
export function parsePidFile(text: string, file: string): readonly SiteProcess[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const match = /^\s*(\d{1,10})\s+(\S+)\s*$/.exec(line)
    // 0 is our own process group and 1 the system's first process: neither is ever part of a site.
    if (match === null || Number(match[1]) <= 1) {
      throw new CliError(`${file}:${index + 1}: expected "PID name", got ${JSON.stringify(line)}`)
    }
    return [{ pid: Number(match[1]), name: match[2]! }]
  })
}

function verify(one: SiteProcess, file: string): void {
  const words = commandLine(one.pid)
  if (words === undefined) {
    throw new CliError(`process ${one.pid} (${one.name}) of ${file} does not run: nothing was broken`)
  }
  if (names(words, one.name) && one.pid !== process.pid) return
  const seen = words.join(' ').slice(0, 120)
  throw new CliError(
    `process ${one.pid} of ${file} is not ${one.name} but \`${seen}\`: nothing was broken; is the file out of date?`,
  )
}

/** As an argument, or as the name of a file that is one: `witness` is in `-c run/witness.yaml`. */
function names(words: readonly string[], name: string): boolean {
  return words.some((word) => word === name || basename(word, extname(word)) === name)
}

/** The arguments of a running process; undefined when there is none of this number, or only its remains. */
function commandLine(pid: number): readonly string[] | undefined {
  try {
    if (process.platform === 'linux') {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
      return words.length === 0 ? undefined : words
    }
    // Elsewhere arguments come joined: a name has no blanks, so its word is found all the same.
    const words = execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
    return words.trim() === '' ? undefined : words.trim().split(/\s+/)
  } catch {
    return undefined
  }
}
