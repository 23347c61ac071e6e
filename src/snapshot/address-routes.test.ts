import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Family } from '../address/ip.js'
import { familyOf } from '../address/ip.js'
import { addressRoutes } from './address-routes.js'
import { readLinks } from './ip-link.js'
import { readRoutes } from './ip-route.js'
import { linksOf } from './links.js'

const HOSTS = [
  'docker-host',
  'docker-host/netns/db',
  'k8s-cluster/node1',
  'k8s-cluster/node2',
  'k8s-cluster/node1/netns/shell',
]
const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url), 'utf8')

/** The kernel's own, of samples that the kernel made: what it added by itself must come out of the addresses. */
test.each(
  HOSTS.flatMap((host) =>
    ([4, 6] as const).flatMap((family) => (['local', 'main'] as const).map((table) => [host, family, table] as const)),
  ),
)('%s IPv%i table %s', (host, family: Family, table) => {
  const links = linksOf([...readLinks(sample(`${host}/ip-link.json`)), ...readLinks(sample(`${host}/ip-addr.json`))])
  const kernel = readRoutes(sample(`${host}/ip-route.json`), 4).routes.filter(
    (route) => familyOf(route.destination.ip) === family && route.table === table && / proto kernel/.test(route.text),
  )
  const sorted = (routes: readonly { readonly text: string }[]) => routes.map(({ text }) => text).sort()
  expect(sorted(addressRoutes(links, family, table))).toEqual(sorted(kernel))
})
