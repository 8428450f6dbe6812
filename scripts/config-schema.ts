import { readFile, writeFile } from 'node:fs/promises'
import { configJsonSchema } from '@budao/model/parser'

/** Writes the JSON Schema of the configuration for editors; with `--check` only says whether it is current. */
const file = new URL('../packages/model/schema/budao.schema.json', import.meta.url)
const current = `${JSON.stringify(configJsonSchema(), null, 2)}\n`

if (process.argv.includes('--check')) {
  const written = await readFile(file, 'utf8').catch(() => '')
  if (written !== current) {
    process.stderr.write('packages/model/schema/budao.schema.json is not current: run npm run schema\n')
    process.exitCode = 1
  }
} else {
  await writeFile(file, current)
}
