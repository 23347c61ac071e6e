// The harness in one file, for `npm run test:kernel`.
export default {
  input: 'kernel/run.ts',
  platform: 'node',
  output: { file: 'dist/kernel/run.js', format: 'esm', minify: false, codeSplitting: false },
}
