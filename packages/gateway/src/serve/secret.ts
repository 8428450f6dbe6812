import type { SecretConfig } from '@budao/model'
import { LookedFile, type LookedFilesEnv } from './looked-files.ts'

/** A secret that stands in a file or in the environment; no message ever holds it. */
export interface Secret {
  readonly value: string
}

/** Throws when it is not there, or shorter than `lengthMin`. */
export function openSecret(config: SecretConfig, env: LookedFilesEnv, lengthMin: number): Secret {
  if ('file' in config) return new LookedFile(config.file, env, (text) => checked(text, lengthMin))
  const given = process.env[config.env]
  if (given === undefined)
    throw new Error(`variable ${config.env} of the environment: expected a secret, got none`)
  try {
    return { value: checked(given, lengthMin) }
  } catch (error) {
    throw new Error(`variable ${config.env} of the environment cannot be used: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function checked(text: string, lengthMin: number): string {
  const secret = text.trim()
  if (secret.length < lengthMin)
    throw new Error(`expected a secret of at least ${lengthMin} characters, got ${secret.length}`)
  return secret
}
