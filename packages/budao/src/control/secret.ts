import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SecretConfig } from '@budao/model'

/** Reads a secret; no message ever holds it. Rejects where it is not there, or shorter than `lengthMin`. */
export async function readSecret(
  config: SecretConfig,
  baseDir: string,
  lengthMin: number,
  path: string,
): Promise<string> {
  const given = 'file' in config ? await fromFile(config.file, baseDir, path) : process.env[config.env]
  const where = 'file' in config ? `the file ${config.file}` : `the variable ${config.env}`
  const secret = given?.trim() ?? ''
  if (secret.length < lengthMin)
    throw new Error(
      `${path}: ${where}: expected a secret of at least ${lengthMin} characters, found ${given === undefined ? 'none' : secret.length}`,
    )
  return secret
}

async function fromFile(file: string, baseDir: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(baseDir, file), 'utf8')
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
