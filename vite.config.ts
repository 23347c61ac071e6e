import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const PREFIX = 'virtual:sample/'
const ROOT = join(import.meta.dirname, 'samples')

/** The bundled snapshots. */
export const sampleNames = (): readonly string[] =>
  readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

/** The files of one. */
export const sampleFiles = (name: string): readonly { readonly path: string; readonly text: string }[] =>
  readdirSync(join(ROOT, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') }))

/** `virtual:sample/NAME`: the files of a bundled snapshot as one module, fetched when the sample is opened. */
function samples(): Plugin {
  return {
    name: 'samples',
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return null
      return `export default ${JSON.stringify(sampleFiles(id.slice(PREFIX.length + 1)))}`
    },
  }
}

/** The page: static files that run from any folder of any host. Nothing is inlined: the page's policy allows its own files and nothing else. */
export default defineConfig({
  root: 'web',
  base: './',
  plugins: [samples()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    // the layout engine for topologies, fetched only when there is one
    chunkSizeWarningLimit: 2048,
  },
  worker: { format: 'es' },
  // what unpacks .xz asks Node for the streams that browsers have anyway
  resolve: {
    mainFields: ['module', 'main'],
    alias: { 'stream/web': join(import.meta.dirname, 'web/engine/streams.ts') },
  },
})
