/**
 * commander asks for child_process when it is loaded, and uses it only for subcommands that are programs of their own, which
 * we do not have. With it come Node's network modules, at every start.
 */
const withoutChildProcess = {
  name: 'without-child-process',
  resolveId: (id, importer) =>
    id === 'node:child_process' && importer?.includes('commander') ? '\0no-child-process' : null,
  load: (id) => (id === '\0no-child-process' ? 'export {}' : null),
}

/** Code that is run from V8's cache cannot import(); Node's own modules are there without it. */
const builtinsAtHand = {
  name: 'builtins-at-hand',
  renderChunk: (code) =>
    code.replaceAll(
      /\bimport\(([`'"])(node:[\w/]+)\1\)/g,
      (_, _quote, id) => `Promise.resolve(process.getBuiltinModule('${id}'))`,
    ),
}

// The command in one file, which bin/start.cjs runs. Dynamic imports stay lazy inside it: what a command does not need is not run.
export default {
  input: 'src/cli/main.ts',
  platform: 'node',
  // jsonc-parser's `main` is UMD, whose require() no bundler can follow
  resolve: { mainFields: ['module', 'main'] },
  plugins: [withoutChildProcess, builtinsAtHand],
  output: { file: 'dist/packetwalk.cjs', format: 'cjs', minify: true, codeSplitting: false },
}
