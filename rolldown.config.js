// The command in one file. Dynamic imports stay lazy inside it: what a command does not need is not run.
export default {
  input: 'src/cli/main.ts',
  platform: 'node',
  // jsonc-parser's `main` is UMD, whose require() no bundler can follow
  resolve: { mainFields: ['module', 'main'] },
  output: { file: 'dist/cli.js', format: 'esm', minify: false, codeSplitting: false, banner: '#!/usr/bin/env node' },
}
