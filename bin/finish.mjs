/** Last step of the build: the launcher beside the bundle, and the compiled code of ordinary commands. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

for (const name of readdirSync('dist')) if (/^packetwalk.*\.cache/.test(name)) rmSync(`dist/${name}`)
for (const name of ['cli.js', 'start.cjs']) copyFileSync(`bin/${name}`, `dist/${name}`)
for (const name of ['cli.js', 'start.cjs']) chmodSync(`dist/${name}`, 0o755)
// the helper of `packetwalk verify`
copyFileSync('kernel/agent.py', 'dist/agent.py')
// in ASCII alone the bundle is read without decoding and takes half the memory
const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
writeFileSync(
  'dist/packetwalk.cjs',
  readFileSync('dist/packetwalk.cjs', 'utf8').replace(/[^\0-\x7f]/g, escaped),
  'latin1',
)
const commands = [
  ['trace', 'samples/k8s-cluster', 'tcp > 10.96.100.7:80 from node1'],
  ['lint', 'samples/k8s-cluster', '--fail-on', 'never'],
]
for (const command of commands) {
  const { status, stderr } = spawnSync(process.execPath, ['dist/start.cjs', ...command])
  if (status !== 0) {
    process.stderr.write(stderr)
    process.exit(1)
  }
}
