import { execFile } from 'node:child_process'
import type { AskData } from './asked-data.ts'

const answerBytesMax = 64 * 1024

/** Runs a program: the question on its input, the answer on its output, and exit code 0. */
export function askCommand([program = '', ...args]: readonly string[], baseDir: string): AskData {
  return (question, timeoutMs) =>
    new Promise((resolve, reject) => {
      const options = {
        cwd: baseDir,
        timeout: timeoutMs,
        maxBuffer: answerBytesMax,
        killSignal: 'SIGKILL',
      } as const
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout)
        const said = stderr.trim().slice(-200)
        const why =
          error.killed === true ? `took longer than ${timeoutMs} ms, or said too much` : error.message
        reject(new Error(`${program}: ${said === '' ? why : said}`))
      })
      // A program that does not read its input is free not to.
      child.stdin?.on('error', () => {})
      child.stdin?.end(JSON.stringify(question))
    })
}
