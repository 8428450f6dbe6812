// npm run build: what is published, from nothing. Sources run without it.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundleForPhones } from './bundle-for-phones.ts'
import { packages, publicPackages } from './packages.ts'

// All of them: a declaration left over from a deleted source would satisfy an import that no longer resolves.
for (const { dir } of packages) rmSync(join(dir, 'dist'), { recursive: true, force: true })

const compile = spawnSync('tsc', ['-b', ...publicPackages.map(({ dir }) => dir)], { stdio: 'inherit' })
if (compile.error !== undefined) throw compile.error
if (compile.status !== 0) process.exit(compile.status ?? 1)

for (const { dir, manifest } of publicPackages) {
  // The compiler carries over nothing but modules: the console is also a page, a style and pictures.
  for (const file of globSync('**/*.{html,css,svg,json}', { cwd: join(dir, 'src') })) {
    cpSync(join(dir, 'src', file), join(dir, 'dist', file))
  }
  if (manifest.miniprogram !== undefined)
    await bundleForPhones(dir, join(dir, 'dist'), join(dir, manifest.miniprogram))
  for (const [name, file] of Object.entries(manifest.bin ?? {})) {
    if (!existsSync(join(dir, file)))
      throw new Error(`${manifest.name}: bin ${name} names ${file}, which was not built`)
    chmodSync(join(dir, file), 0o755)
  }
}
