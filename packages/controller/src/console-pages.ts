import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { ApiError } from './api-error.ts'

/** Where the console's files are. */
export interface ConsoleFiles {
  /** Folder with `index.html`, `style.css` and either built `.js` or plain `.ts` modules; ends in a slash. */
  readonly dir: URL
}

export interface ConsolePage {
  readonly type: string
  readonly body: string
}

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The page itself. Throws 404 where there is no console. */
export async function consoleIndex(files: ConsoleFiles | undefined): Promise<ConsolePage> {
  const body = await read(files, 'index.html')
  if (body === null) throw new ApiError('not-found', 'this process serves no console')
  return { type: types['html']!, body }
}

/**
 * One asset. Built packages hold `.js`; a source tree holds `.ts`, whose types are stripped as the browser asks,
 * so that the page names `app.js` in both cases and development needs no build.
 */
export async function consoleAsset(files: ConsoleFiles | undefined, name: string): Promise<ConsolePage> {
  // One name without dots or slashes, one extension: nothing outside the folder, no tests.
  const match = /^([a-z][a-z0-9-]*)\.(js|ts|css|svg)$/.exec(name)
  if (match !== null) {
    const [, stem, extension] = match
    const type = types[extension!]!
    const body = await read(files, name)
    if (body !== null) return { type, body: extension === 'ts' ? stripTypeScriptTypes(body) : body }
    const source = extension === 'js' ? await read(files, `${stem}.ts`) : null
    if (source !== null) return { type, body: stripTypeScriptTypes(source) }
  }
  throw new ApiError('not-found', 'the console has no such file')
}

async function read(files: ConsoleFiles | undefined, name: string): Promise<string | null> {
  if (files === undefined) return null
  try {
    return await readFile(new URL(name, files.dir), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
