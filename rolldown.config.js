// The command in one file. Dynamic imports stay lazy inside it: what a command does not need is not run.
export default {
  input: 'src/cli/main.ts',
  platform: 'node',
  output: { file: 'dist/cli.js', format: 'esm', minify: false, inlineDynamicImports: true, banner: '#!/usr/bin/env node' },
}
