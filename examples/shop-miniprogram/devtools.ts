/**
 * `npm run devtools -w examples/shop-miniprogram`: puts `@budao/miniprogram` where WeChat DevTools look for packages, in
 * `miniprogram/miniprogram_npm`. In a project of your own their menu does it: Tools → Build npm.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'

const file = join(import.meta.dirname, 'miniprogram/miniprogram_npm/@budao/miniprogram/index.js')
const { outputFiles } = await build({
  entryPoints: ['@budao/miniprogram'],
  outfile: file,
  bundle: true,
  format: 'cjs',
  target: 'es2017',
  conditions: ['@budao/source'],
  write: false,
  absWorkingDir: import.meta.dirname,
})
const { text } = outputFiles[0]!
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, text)
console.log(
  `${relative(process.cwd(), file)}: ${text.length} bytes. Open examples/shop-miniprogram in WeChat DevTools.`,
)
