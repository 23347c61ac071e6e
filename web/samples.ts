import type { Preset } from './engine/presets.js'
import type { TextFile } from './engine/protocol.js'
import { unpack } from './packed.js'

/** The bundled snapshots. */
export const SAMPLES = ['k8s-cluster', 'docker-host', 'docker-ufw-host'] as const
export type SampleName = (typeof SAMPLES)[number]

/** Each sample is a chunk of its own. */
const READ: Readonly<Record<SampleName, () => Promise<{ readonly default: TextFile[] }>>> = {
  'k8s-cluster': () => import('virtual:sample/k8s-cluster'),
  'docker-host': () => import('virtual:sample/docker-host'),
  'docker-ufw-host': () => import('virtual:sample/docker-ufw-host'),
}

/** A page of one file has them within it. */
export async function readSample(name: SampleName): Promise<TextFile[]> {
  const packed = document.getElementById(`sample-${name}`)?.textContent
  return packed == null ? (await READ[name]()).default : JSON.parse(await unpack(packed))
}

/** Questions that people ask first. */
export const PRESETS: Readonly<Record<SampleName, readonly Preset[]>> = {
  'k8s-cluster': [
    { name: 'hostToService', packet: 'tcp > 10.96.100.7:80 from node1' },
    { name: 'podToService', packet: 'tcp > 10.96.100.7:80 from node1/shell' },
    { name: 'podToDns', packet: 'udp > 10.96.0.10:53 from node1/shell' },
    { name: 'nodePort', packet: 'tcp 192.168.50.100:40000 > 192.168.50.11:30080' },
    { name: 'ping', packet: 'icmp > 10.244.1.2 echo-request from node1/shell' },
  ],
  'docker-host': [
    { name: 'published', packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 in eth0' },
    { name: 'ssh', packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:22 in eth0' },
    { name: 'hostToContainer', packet: 'tcp > 172.17.0.2:80' },
    { name: 'containerOut', packet: 'tcp > 198.51.100.9:443 from docker-host/web' },
  ],
  'docker-ufw-host': [
    { name: 'published', packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 in eth0' },
    { name: 'ssh', packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:22 in eth0' },
    { name: 'hostToContainer', packet: 'tcp > 172.17.0.2:80' },
  ],
}
