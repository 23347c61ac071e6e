/** Last step of the build: the launcher beside the bundle, and the compiled code of one ordinary command. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync } from 'node:fs'

rmSync('dist/packetwalk.cache', { force: true })
for (const name of ['cli.js', 'start.cjs']) copyFileSync(`bin/${name}`, `dist/${name}`)
chmodSync('dist/cli.js', 0o755)
const command = ['dist/start.cjs', 'trace', 'samples/k8s-cluster', 'tcp > 10.96.100.7:80 from node1']
const { status, stderr } = spawnSync(process.execPath, command, {
  env: { ...process.env, PACKETWALK_WRITE_CACHE: '1' },
})
if (status !== 0) {
  process.stderr.write(stderr)
  process.exit(1)
}
