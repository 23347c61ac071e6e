import type { Sentences } from './match.js'

/** What is said of the helpers of connection tracking (src/conntrack/helpers). */
export const HELPERS: Sentences = {
  'the connection whose helper expects it is not in the listing': '列表中没有其助手预期它的那个连接',
  'what helper {0} makes of a connection that it expects': '助手 {0} 如何处理它预期的连接',
  'of an unknown name': '（名称未知）',
  'to where NAT leads what helper {0} expects': 'NAT 把助手 {0} 预期的连接引向何处',
  'NAT leads what helper {0} expects on port {1} to the same port':
    'NAT 把助手 {0} 在端口 {1} 上预期的连接引到同一端口',
  'the SIP helper cannot expect what the message announces': 'SIP 助手无法预期消息所宣告的连接',
  'the message cannot be rewritten': '消息无法改写',
  'the number of the last {0} that the SIP helper had seen when the snapshot was taken':
    '取快照时 SIP 助手见过的最后一个 {0} 的序号',
  'the contact of a SIP registration is no address': 'SIP 注册中的 Contact 不是地址',
  'for how long a SIP registration counts is no number': 'SIP 注册的有效期不是数字',
  'a SIP message has no number (CSeq)': 'SIP 消息没有序号（CSeq）',
  'a SIP answer has no code': 'SIP 应答没有状态码',
  'the port on which a SIP phone listens, which its helper had seen when the snapshot was taken':
    '取快照时助手已见过的 SIP 话机监听端口',
  'a SIP request over TCP that said UDP: what the SIP helper makes of its answers':
    'SIP 请求走 TCP 却写着 UDP：SIP 助手如何处理它的应答',
  'the session description of a SIP message cannot be rewritten': 'SIP 消息的会话描述无法改写',
  'a SIP message names port {0} for media': 'SIP 消息给媒体指定了端口 {0}',
  'the helper of H.323 cannot expect what the message announces': 'H.323 助手无法预期消息所宣告的连接',
  'the ports which the helper of H.323 had seen when the snapshot was taken': '取快照时 H.323 助手已见过的端口',
  'what the helper of H.323 had seen when the snapshot was taken': '取快照时 H.323 助手已见过的内容',
  'whether a forwarded call goes the way of the one before it': '被转移的呼叫是否与前一个走同一条路',
  'for how long the registration in a message of H.323 counts': 'H.323 消息中的注册有效多久',
  'a session description does not say where its media are': '会话描述没有说明媒体在哪里',
}
