import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { ProcessHealthConfig } from '@budao/model'
import { parseAddress } from '../address.ts'

const http = process.getBuiltinModule('node:http')

/** What an exec check is run with. */
export interface ProbeSurroundings {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
}

/**
 * Asks a process once whether it is well. Resolves to an empty text when it is, else to what is wrong; never rejects,
 * and never takes much longer than the timeout.
 */
export function probeHealth(
  config: ProcessHealthConfig,
  address: string,
  surroundings: ProbeSurroundings,
): Promise<string> {
  switch (config.type) {
    case 'http':
      return probeHttp(config, address)
    case 'tcp':
      return probeTcp(config, address)
    case 'exec':
      return probeExec(config, surroundings)
  }
}

function probeHttp({ path, timeout }: ProcessHealthConfig, address: string): Promise<string> {
  const { host, port } = parseAddress(address)
  return new Promise((resolve) => {
    const asked = http.request(
      { host, port, path, agent: false, headers: { host: address, 'user-agent': 'budao-agent' } },
      (response) => {
        const { statusCode = 0 } = response
        response.resume().once('end', () => finish(statusCode < 400 ? '' : `status ${statusCode}`))
        response.once('error', (error) => finish(error.message))
      },
    )
    const timer = setTimeout(() => finish(`no answer within ${timeout} ms`), timeout)
    const finish = (problem: string): void => {
      clearTimeout(timer)
      asked.destroy()
      resolve(problem)
    }
    asked.on('error', (error) => finish(error.message))
    asked.end()
  })
}

function probeTcp({ timeout }: ProcessHealthConfig, address: string): Promise<string> {
  const { host, port } = parseAddress(address)
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const timer = setTimeout(() => finish(`no connection within ${timeout} ms`), timeout)
    const finish = (problem: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => finish(''))
    socket.on('error', (error) => finish(error.message))
  })
}

function probeExec(
  { command = [], timeout }: ProcessHealthConfig,
  surroundings: ProbeSurroundings,
): Promise<string> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    // In a group of its own, so that a shell that is killed takes with it what it waits for.
    const child = spawn(program, args, { ...surroundings, stdio: 'ignore', detached: true })
    const timer = setTimeout(() => {
      if (child.pid !== undefined) killGroup(child.pid)
      resolve(`not done within ${timeout} ms`)
    }, timeout)
    const finish = (problem: string): void => {
      clearTimeout(timer)
      resolve(problem)
    }
    child.once('error', (error) => finish(error.message))
    child.once('exit', (code, signal) => finish(code === 0 ? '' : `ended with ${signal ?? `code ${code}`}`))
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
