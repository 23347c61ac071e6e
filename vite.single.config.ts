import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { mergeConfig, type Plugin, type UserConfig } from 'vite'
import page, { sampleFiles, sampleNames } from './vite.config.js'

/** `</script` and `<!--` would end a script, or hide its end; a backslash in front of them changes nothing in a string or a pattern. */
const guarded = (code: string): string => code.replace(/<(?=\/script)/gi, '<\\').replaceAll('<!--', '<\\!--')

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const text = (source: string | Uint8Array): string =>
  typeof source === 'string' ? source : new TextDecoder().decode(source)

/** A sample as `unpack` of web/packed.ts reads it. */
const packed = (name: string): string => deflateRawSync(JSON.stringify(sampleFiles(name))).toString('base64url')

/** A script that is none: text that the page's program reads. */
const data = (id: string, content: string): string => `<script type="text/plain" id="${id}">${content}</script>`

/**
 * The page as one file that runs from anywhere, `file://` too: script and style within it, allowed by their hashes, the worker's program and the
 * samples as text, and an empty place for the state that is sent along.
 */
function single(): Plugin {
  return {
    name: 'single',
    enforce: 'post',
    generateBundle(_, bundle) {
      const all = Object.values(bundle)
      const of = (test: (name: string) => boolean) => {
        const found = all.filter(({ fileName }) => test(fileName))
        if (found.length !== 1)
          throw new Error(`one file is wanted, there are ${found.map(({ fileName }) => fileName)}`)
        const [one] = found
        return one!.type === 'chunk' ? one!.code : text(one!.source)
      }
      const icon = `data:image/svg+xml,${encodeURIComponent(of((name) => name.endsWith('.svg')))}`
      const worker = guarded(of((name) => /worker-[^/]*\.js$/.test(name)))
      // what Vite puts in place of its mark where nothing is loaded beforehand
      const script = guarded(of((name) => /index-[^/]*\.js$/.test(name)).replaceAll('__VITE_PRELOAD__', 'void 0'))
      const style = of((name) => name.endsWith('.css')).replace(/url\([^)]*\.svg\)/g, () => `url("${icon}")`)
      const policy = [
        "default-src 'none'",
        `script-src ${hashOf(script)} 'wasm-unsafe-eval'`,
        'worker-src blob:',
        `style-src ${hashOf(style)}`,
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ')
      const html = of((name) => name.endsWith('.html'))
        .replace(/<script type="module"[^>]*><\/script>/, '')
        .replace(/<link rel="stylesheet"[^>]*>/, '')
        .replace(/(<link rel="icon" href=")[^"]*/, (_all, head: string) => head + icon)
        .replace(/(http-equiv="Content-Security-Policy"\s+content=")[^"]*/, (_all, head: string) => head + policy)
        .replace('</head>', () => `<style>${style}</style></head>`)
        .replace('</body>', () => {
          const samples = sampleNames().map((name) => data(`sample-${name}`, packed(name)))
          return `${data('state', '')}${samples.join('')}${data('worker', worker)}<script type="module">${script}</script></body>`
        })
      for (const { fileName } of all) delete bundle[fileName]
      this.emitFile({ type: 'asset', fileName: 'single.html', source: html })
    },
  }
}

/** The samples stand in the file as they are packed, once. */
const withoutSamples: Plugin = {
  name: 'without-samples',
  enforce: 'pre',
  load: (id) => (id.startsWith('\0virtual:sample/') ? 'export default []' : null),
}

const changes: UserConfig = {
  plugins: [withoutSamples, single()],
  build: {
    emptyOutDir: false,
    assetsInlineLimit: 1 << 20,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 8192,
    rolldownOptions: { output: { codeSplitting: false } },
  },
  // a module cannot be a worker where it comes from a text of a file:// page
  worker: { format: 'iife', rolldownOptions: { output: { codeSplitting: false } } },
}

export default mergeConfig(page, changes)
