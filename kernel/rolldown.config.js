// The harness as files that Node runs, for `npm run test:kernel` and `npm run test:kernel:mutants`.
const program = (name, input = name) => ({
  input: `kernel/${input}.ts`,
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  external: ['rolldown'],
  output: { file: `dist/kernel/${name}.js`, format: 'esm', minify: false, codeSplitting: false },
})

export default [
  program('run'),
  program('conntrack', 'conntrack/run'),
  program('helpers', 'helpers/run'),
  program('conversations', 'conversations/run'),
  program('mutants'),
  program('routes'),
  program('listings'),
  program('spellings'),
  program('commands'),
  program('link-commands'),
  program('ipsets'),
]
