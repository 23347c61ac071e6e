import { STAGES, type StageName } from '../../src/path/stages.js'
import type { Step } from '../../src/path/trail.js'
import { language } from './index.js'

/** What the stages are called in Chinese; hooks keep the kernel's names. */
const ZH: Readonly<Partial<Record<StageName, string>>> = {
  receive: '设备接收',
  'ip-receive': 'IP 头检查',
  'route-input': '路由判断',
  reassemble: '分片重组',
  deliver: '本地交付',
  'forward-checks': 'TTL 与重定向',
  generate: '路由判断',
  neighbour: '邻居',
  transmit: '设备发送',
  end: '结束',
  encapsulate: '封装',
  decapsulate: '解封装',
  'bridge-input': '网桥端口',
  'bridge-prerouting': 'PREROUTING（网桥）',
  'bridge-decision': '网桥转发',
  'bridge-forward': 'FORWARD（网桥）',
  'bridge-postrouting': 'POSTROUTING（网桥）',
  'bridge-egress': '网桥出端口',
  'bridge-output': '网桥输出',
  'arp-receive': 'ARP INPUT',
  arp: 'ARP',
  'arp-output': 'ARP OUTPUT',
}

export const stageLabel = (stage: StageName): string =>
  (language.value === 'zh' ? ZH[stage] : undefined) ?? STAGES[stage].label

/** What the kinds of steps are called in Chinese. */
const KINDS: Readonly<Record<Step['kind'], string>> = {
  generate: '产生',
  receive: '接收',
  hook: '钩子',
  conntrack: '连接跟踪',
  nat: '地址转换',
  route: '路由',
  reroute: '重新路由',
  'rp-filter': '源地址验证',
  check: '检查',
  neighbour: '邻居',
  bridge: '网桥',
  encapsulate: '封装',
  decapsulate: '解封装',
  reply: '应答',
  copy: '副本',
  deliver: '交付',
  send: '发出',
  drop: '丢弃',
}

export const kindLabel = (kind: string): string =>
  (language.value === 'zh' ? KINDS[kind as Step['kind']] : undefined) ?? kind
