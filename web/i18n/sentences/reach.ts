import type { Sentences } from './match.js'

/** What a walk of all packets at once says of what it does not follow. */
export const REACH: Sentences = {
  '{0}: policies of IPsec are not followed for sets': '{0}：不对集合跟踪 IPsec 策略',
  '{0}: VRFs are not followed for sets': '{0}：不对集合跟踪 VRF',
  'what {0} wraps is not followed for sets': '不对集合跟踪 {0} 封装的包',
  '{0} from {1}': '{0}，由 {1} 发出',
  'settings that several namespaces lack are taken to be the same in all of them':
    '多个命名空间都缺少的设置，认为在它们之中相同',
  '{0}: which routes it has is not known': '{0}：不知道它有哪些路由',
  'they are taken in': '它们被收下',
  'they leave the snapshot': '它们离开快照的范围',
  ' by {0}': '',
  ' if {0}': '',
  'packets of a connection that the snapshot lists: followed is who begins one':
    '快照中已列出的连接的包：只跟踪开始连接的一方',
  '{0} of {1}{2} is {3}': '{1}{2} 的 {0} 是 {3}',
  'the packets go round and round': '数据包一直在兜圈子',
  'local delivery': '本地交付',
  'the TTL is used up': 'TTL 已用尽',
  'what stands on the bridge is not followed for sets': '不对集合跟踪网桥上的规则',
  'no link-layer address on the bridge': '网桥上没有链路层地址',
  '{0}: outer packets of the other family are not followed': '{0}：不跟踪另一地址族的外层包',
  "the tunnel's own packets{0}": '隧道自己的包{0}',
  ' leave the snapshot': '离开快照的范围',
  ' are taken in, but not by the tunnel': '被收下，但不是由隧道收下',
  'has {0}': '',
}

export const REACH_COMPOSED: Sentences = {
  'more than this browser has room for: ask packetwalk on the command line':
    '超出了此浏览器的能力：请在命令行中用 packetwalk 提问',
  "the tunnel's own packets: {0}": '隧道自己的包：{0}',
  'they are taken in if {0}': '若{0}，它们被收下',
  'they leave the snapshot if {0}': '若{0}，它们离开快照的范围',
  'they leave the snapshot: {0}': '它们离开快照的范围：{0}',
  'not known: {0}': '未知：{0}',
  'dropped by {0}': '被 {0} 丢弃',
  'dropped by {0} if {1}': '若{1}，被 {0} 丢弃',
  'dropped: {0}': '被丢弃：{0}',
  'dropped: {0} if {1}': '若{1}，被丢弃：{0}',
}
