export default {
  input: 'src/cli/main.ts',
  platform: 'node',
  output: { file: 'dist/cli.js', format: 'esm', minify: false, inlineDynamicImports: true, banner: '#!/usr/bin/env node' },
}
