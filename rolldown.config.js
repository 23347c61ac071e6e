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

// The command in one file, which bin/start.cjs runs. Dynamic imports stay lazy inside it: what a command does not need is not run.
export default {
  input: 'src/cli/main.ts',
  platform: 'node',
  // jsonc-parser's `main` is UMD, whose require() no bundler can follow
  resolve: { mainFields: ['module', 'main'] },
  plugins: [withoutChildProcess],
  output: { file: 'dist/packetwalk.cjs', format: 'cjs', minify: true, codeSplitting: false },
}
