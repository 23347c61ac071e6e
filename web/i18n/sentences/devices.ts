import type { Sentences } from './match.js'

/** Devices that stand on others. */
export const DEVICES: Sentences = {
  '{0} is a dummy: what is sent to it is gone': '{0} 是 dummy 设备：发给它的包就此消失',
  'no port of {0} is up': '{0} 没有任何启用的端口',
  '{0}, below {1}, is down': '{1} 下面的 {0} 未启用',
  '{0} tags it with VLAN {1}, for {2}': '{0} 打上 VLAN {1} 标签，交给 {2}',
  '{0} sends by {1}': '{0} 用 {1} 发送',
  '{0} sends through {1}': '{0} 经 {1} 发送',
  '{0} is not the active port of {1}': '{0} 不是 {1} 的活动端口',
  '{0} gets the broadcast as well': '{0} 也收到这个广播',
  '{0} is {1} itself: a macvlan does not reach the device that it stands on':
    '{0} 就是 {1} 自己：macvlan 到不了它所依附的设备',
  'no device takes VLAN {0} off {1}': '{1} 上没有设备接收 VLAN {0}',
}
