import { STAGES, type StageName } from '../../src/path/stages.js'
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
  encapsulate: 'VXLAN 封装',
  decapsulate: 'VXLAN 解封装',
  'bridge-input': '网桥端口',
  'bridge-prerouting': 'PREROUTING（网桥）',
  'bridge-decision': '网桥转发',
  'bridge-forward': 'FORWARD（网桥）',
  'bridge-postrouting': 'POSTROUTING（网桥）',
  'bridge-output': '网桥输出',
}

export const stageLabel = (stage: StageName): string =>
  (language.value === 'zh' ? ZH[stage] : undefined) ?? STAGES[stage].label
