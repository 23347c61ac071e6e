import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { familyOf, printIp } from '../../src/address/ip.js'
import { trace } from '../../src/path/trace.js'
import type { Way } from '../../src/path/trail.js'
import { type Hosts, placeName } from '../../src/path/world.js'
import { readFolder } from '../../src/snapshot/files.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { packet } from '../scenarios/state.js'
import { ask, CHROMIUM, chains, LINKS, litAt, Site } from './page.js'

const SAMPLES = ['k8s-cluster', 'docker-host', 'docker-ufw-host']
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

if (!CHROMIUM) console.log('left out: tests/browser, because there is no Chromium (apt-get install chromium)')

async function hostsOf(sample: string): Promise<Hosts> {
  const read = readSnapshot(await readFolder(join(import.meta.dirname, '../../samples', sample)))
  if (!read.ok) throw new Error(`${sample} cannot be read`)
  return read.hosts
}

describe.skipIf(!CHROMIUM)('the page in a browser', () => {
  const site = new Site()
  let url = ''
  beforeAll(async () => {
    await site.start()
    url = await site.serve()
  }, 120_000)
  afterAll(() => site.stop())

  test.each(SAMPLES)('%s: opens, walks, steps', async (sample) => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.selectOption('header select', sample)
    const first = sample === 'k8s-cluster' ? 'node1' : sample
    await page.waitForFunction((name) => document.querySelector('#map-title')?.textContent?.endsWith(` ${name}`), first)
    const all = Number(await page.getAttribute('input[type=range]', 'max'))
    expect(all).toBeGreaterThan(3)
    await expect.poll(() => page.locator('.stage.lit').count()).toBe(1)
    await page.getByRole('button', { name: 'Step on' }).click()
    expect(await page.locator('.stage.lit').count()).toBe(2)
    await page.getByRole('button', { name: 'To the end' }).click()
    expect(await page.inputValue('input[type=range]')).toBe(String(all))
    expect(faults).toEqual([])
    await page.close()
  })

  test('the picture lights the stages that trace --json tells, for 200 random packets', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    for (const sample of SAMPLES) {
      await page.selectOption('header select', sample)
      await page.waitForSelector('.outcome')
      const hosts = await hostsOf(sample)
      for (const line of fc.sample(lines(hosts), { seed: 7, numRuns: 67 })) {
        await ask(page, line)
        const { way, outcome } = trace(hosts, packet(line)).branches[0]!
        await page.waitForFunction(
          (length) => Number(document.querySelector<HTMLInputElement>('input[type=range]')?.max) === length - 1,
          way.length,
        )
        for (const [place, stages] of stagesOf(way)) {
          const last = way.findLastIndex((visit) => placeName(visit) === place)
          expect(await litAt(page, last), line).toEqual({ place, lit: [...stages].sort() })
        }
        expect(await page.locator('.outcome').first().getAttribute('class')).toContain(outcome)
      }
    }
    expect(faults).toEqual([])
    await page.close()
  }, 300_000)

  test('a link opened elsewhere shows the same picture', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    await ask(page, 'udp > 10.96.0.10:53 from node1/shell')
    await page.keyboard.press('Escape')
    await page.locator('h1').click()
    for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowRight')
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.waitForFunction(() => location.hash !== '')
    const other = await site.open(page.url())
    await other.page.waitForSelector('.outcome')
    const picture = (of: Page) => of.locator('.picture svg').evaluate((svg) => svg.outerHTML)
    await expect.poll(() => picture(other.page)).toBe(await picture(page))
    expect(await other.page.inputValue('input[name=packet]')).toBe('udp > 10.96.0.10:53 from node1/shell')
    await page.close()
    await other.page.close()
  })

  test('a link with other addresses tells none of the real ones, and walks the same', async () => {
    const files = [
      ...LINKS,
      {
        path: 'myhost/iptables-save',
        text: chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], '-A INPUT -s 198.51.100.0/24 -j DROP\n'),
      },
    ]
    const { page } = await site.open(
      await site.serve(JSON.stringify(files.map((file) => ({ ...file, path: file.path.replace(/^h\//, 'myhost/') })))),
    )
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:443 in eth0')
    await page.waitForSelector('.outcome.dropped')
    await page.getByLabel('with other addresses').check()
    await page.getByRole('button', { name: 'Copy link' }).click()
    const link = (await page.getAttribute('.said a', 'href'))!
    const other = await site.open(link)
    await other.page.waitForSelector('.outcome.dropped')
    const question = await other.page.inputValue('input[name=packet]')
    expect(question).toMatch(/^tcp 198\.\d+\.\d+\.9 > 192\.\d+\.\d+\.10:443 in eth0$/)
    expect(await other.page.textContent('main')).not.toContain('myhost')
    await page.close()
    await other.page.close()
  })

  test('a snapshot that packetwalk ui was given is open', async () => {
    const files = await readFolder(join(import.meta.dirname, '../../samples/docker-host'))
    const { page, faults } = await site.open(await site.serve(JSON.stringify(files)))
    await page.fill('input[name=packet]', 'tcp > 172.17.0.2:80')
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await page.press('input[name=packet]', 'Enter')
    await page.waitForSelector('.outcome.delivered')
    expect(faults).toEqual([])
    await page.close()
  })

  test('keyboard alone: the packet, the walk, a chain in the picture', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    const focusOn = async (what: string) => {
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press('Tab')
        if (await page.evaluate((selector) => document.activeElement?.matches(selector), what)) return
      }
      throw new Error(`Tab never comes to ${what}`)
    }
    await focusOn('input[name=packet]')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('tcp > 10.96.100.8:80 from node1')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.outcome.rejected')
    await focusOn('[data-entry="nft filter OUTPUT"], [data-entry="legacy filter OUTPUT"]')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.textContent('#rules-title')).toContain('filter OUTPUT')
    await page.keyboard.press('End')
    await expect
      .poll(() => page.inputValue('input[type=range]'))
      .toBe(await page.getAttribute('input[type=range]', 'max'))
    await page.keyboard.press('Home')
    await expect.poll(() => page.inputValue('input[type=range]')).toBe('0')
    await page.close()
  })

  test('a paste of several commands with their prompts', async () => {
    const text = [
      ...LINKS.map(
        ({ path, text: output }) => `root@gw:~# ${path === 'h/ip-addr' ? 'ip -o addr' : 'ip route'}\n${output}`,
      ),
      'root@gw:~# iptables -S\n-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n',
    ].join('')
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.getByRole('button', { name: 'Paste…' }).click()
    await page.fill('dialog textarea', text)
    await page.getByRole('button', { name: 'Read it' }).click()
    await page.waitForFunction(() => document.querySelector<HTMLSelectElement>('header select')?.value === '')
    await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:23 in eth0')
    await page.waitForSelector('.outcome.dropped')
    await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:22 in eth0')
    await page.waitForSelector('.outcome.delivered')
    expect(faults).toEqual([])
    await page.close()
  })

  test('the packet as a form, and the line completed', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.getByText('As a form').click()
    await page.fill('input[name=dst]', '10.96.100.8')
    await page.fill('input[name=dport]', '80')
    await page.fill('input[name=from]', 'node1')
    await page.press('input[name=from]', 'Enter')
    await page.waitForSelector('.outcome.rejected')
    expect(await page.inputValue('input[name=packet]')).toBe('tcp > 10.96.100.8:80 from node1')
    await page.fill('input[name=packet]', 'tcp > 10.96.100.8:80 from node1/s')
    const offered = () =>
      page.locator('#names option').evaluateAll((all) => all.map((one) => one.getAttribute('value')))
    await expect.poll(offered).toEqual(['tcp > 10.96.100.8:80 from node1/shell'])
    await page.close()
  })

  test('the language follows the browser and can be switched', async () => {
    const { page } = await site.open(url, { locale: 'zh-CN' })
    await page.waitForSelector('.outcome')
    expect(await page.getAttribute('html', 'lang')).toBe('zh-CN')
    await page.getByRole('button', { name: '走一遍' }).waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('button', { name: 'Walk' }).waitFor()
    expect(await page.getAttribute('html', 'lang')).toBe('en')
    await page.close()
  })

  test.each(['light', 'dark'] as const)('axe finds nothing (%s, wide and narrow)', async (colorScheme) => {
    const { page } = await site.open(url, { colorScheme, bypassCSP: true })
    await page.waitForSelector('.outcome')
    await page.evaluate(axe)
    for (const width of [1600, 360]) {
      await page.setViewportSize({ width, height: 900 })
      const found = await page.evaluate(() =>
        (
          window as unknown as {
            axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
          }
        ).axe.run({
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
        }),
      )
      expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
    await page.close()
  })

  test('what if: a command changes the walk, and can be taken back', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome.delivered')
    const type = async (command: string) => {
      await page.fill('input[name=command]', command)
      await page.press('input[name=command]', 'Enter')
    }
    await type('iptables -I OUTPUT 1 -d 10.96.100.7 -j NOTHERE')
    await page.waitForSelector('.what-if .problem')
    await type('iptables -t mangle -A OUTPUT -d 10.96.100.7 -j DROP')
    await page.waitForSelector('.outcome.dropped')
    expect(await page.textContent('.difference')).toMatch(/before delivered.*now dropped/)
    await page.locator('[data-entry$="mangle OUTPUT"]').first().click()
    await expect.poll(() => page.textContent('.rules')).toContain('-A OUTPUT -d 10.96.100.7/32 -j DROP')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForSelector('.outcome.delivered')
    expect(faults).toEqual([])
    await page.close()
  })

  test('what is wrong in the rules: listed, marked in the margin, an example walked', async () => {
    const rules = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\n'
    const files = [...LINKS, { path: 'h/iptables-save', text: chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], rules) }]
    const { page, faults } = await site.open(await site.serve(JSON.stringify(files)))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await page.getByText('What is wrong in the rules').click()
    const finding = page.locator('.finding').filter({ hasText: 'rule-contradicted' })
    await finding.waitFor()
    await finding.getByRole('button', { name: 'h: filter/INPUT 2' }).click()
    await page.waitForSelector('.rule[data-rule="2"] .mark')
    expect(await page.locator('.rule[data-rule="1"] .mark').count()).toBe(0)
    expect(faults).toEqual([])
    await page.close()
  })

  test('the ruleset edited as text: read at once, errors in their places', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome.delivered')
    await page.getByText('Edit as text').click()
    await page.getByLabel('File', { exact: true }).selectOption('k8s-cluster/node1/iptables-save')
    const text = page.locator('.cm-content')
    await text.waitFor()
    await text.click()
    await page.keyboard.press('ControlOrMeta+Home')
    await page.keyboard.insertText('*nonsense\n')
    await page.waitForSelector('.cm-lintRange-error, .cm-lintPoint-error')
    await page.waitForSelector('.problems')
    await page.keyboard.press('ControlOrMeta+Z')
    await page.waitForSelector('.problems', { state: 'detached' })
    await page.waitForSelector('.outcome.delivered')
    expect(faults).toEqual([])
    await page.close()
  })

  test('a lesson: a wrong answer, the right one, the task', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.getByRole('button', { name: 'Learn' }).click()
    await page.selectOption('.learn select', { label: '2. Three kinds of packet' })
    await page.getByLabel('FORWARD only').check()
    await page.waitForSelector('.learn .bad')
    await page.getByLabel('PREROUTING, FORWARD, POSTROUTING').check()
    await page.waitForSelector('.learn .good')
    await page.getByRole('button', { name: 'Check it' }).click()
    await expect.poll(() => page.textContent('.learn')).toContain('Not yet')
    await page.fill('input[name=command]', 'iptables -A INPUT -i eth0 -p tcp --dport 22 -j DROP')
    await page.press('input[name=command]', 'Enter')
    await page.waitForSelector('.changes li')
    await page.getByRole('button', { name: 'Check it' }).click()
    await expect.poll(() => page.textContent('.learn')).toContain('Done')
    expect(faults).toEqual([])
    await page.close()
  })

  test('text of the rules is text', async () => {
    const long = 'x'.repeat(250)
    const rules = ['<img src=x onerror=alert(1)>', '\u202Egnp.exe', long]
      .map((comment) => `-A INPUT -p tcp -m comment --comment "${comment}" -j ACCEPT`)
      .join('\n')
    const filter = chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], `${rules}\n`)
    const served = JSON.stringify([...LINKS, { path: 'h/iptables-save', text: filter }])
    const { page, faults } = await site.open(await site.serve(served))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:443 in eth0')
    await page.waitForSelector('.outcome')
    await page.getByRole('button', { name: 'To the end' }).click()
    await page.locator('[data-entry$="filter INPUT"]').first().click()
    await page.waitForSelector('.rule code')
    await expect.poll(() => page.textContent('.rules')).toContain('<img src=x onerror=alert(1)>')
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(faults).toEqual([])
    await page.close()
  })

  test('a base chain of any priority stands in its place', async () => {
    const nft =
      'table inet mine {\n\tchain early {\n\t\ttype filter hook prerouting priority -123; policy accept;\n\t\tcounter accept\n\t}\n}\n'
    const save =
      chains('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']) +
      chains('nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'], '-A POSTROUTING -o eth0 -j MASQUERADE\n')
    const files = [...LINKS, { path: 'h/iptables-save', text: save }, { path: 'h/nft-ruleset.nft', text: nft }]
    const { page } = await site.open(await site.serve(JSON.stringify(files)))
    await page.waitForSelector('[data-stage=prerouting] .priority')
    const priorities = await page.locator('[data-stage=prerouting] .priority').allTextContents()
    expect(priorities).toEqual(['-400', '-200', '-150', '-123', '-100', '-100'])
    await page.close()
  })
})

/** Packets between addresses that the snapshot knows, and some that it does not. */
function lines(hosts: Hosts): fc.Arbitrary<string> {
  const own = hosts.namespaces.flatMap((namespace) =>
    namespace.links.flatMap(({ addresses }) =>
      addresses.filter(({ prefix }) => familyOf(prefix.ip) === 4).map(({ prefix }) => printIp(prefix.ip)),
    ),
  )
  const destination = fc.constantFrom(...own, '10.96.100.7', '10.96.0.10', '198.51.100.7', '192.0.2.10')
  const port = fc.constantFrom(22, 53, 80, 443, 5432, 8080, 30080)
  const from = fc.constantFrom(...hosts.namespaces.map(placeName))
  return fc
    .record({ protocol: fc.constantFrom('tcp', 'udp'), destination, port, from })
    .map((one) => `${one.protocol} > ${one.destination}:${one.port} from ${one.from}`)
    .filter((line) => {
      try {
        return trace(hosts, packet(line)).branches[0]!.way.length > 1
      } catch {
        return false
      }
    })
}

/** The stages that were passed in each namespace. */
function stagesOf(way: Way): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const visit of way) found.set(placeName(visit), (found.get(placeName(visit)) ?? new Set()).add(visit.stage))
  return found
}

describe.skipIf(!CHROMIUM)('what serves the page', () => {
  const site = new Site()
  let url = ''
  beforeAll(async () => {
    await site.start()
    url = await site.serve('[]')
  }, 120_000)
  afterAll(() => site.stop())

  const status = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(url)
      request({ hostname, port, path, method, headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })

  test('only whoever knows the token, from here, reading', async () => {
    const { pathname, host } = new URL(url)
    expect(await status(pathname)).toBe(200)
    expect(await status(`${pathname}snapshot.json`)).toBe(200)
    expect(await status('/')).toBe(404)
    expect(await status('/wrong/')).toBe(404)
    expect(await status(`${pathname}..%2f..%2fpackage.json`)).toBe(404)
    expect(await status(pathname, { host: 'evil.example' })).toBe(403)
    expect(await status(pathname, { origin: 'http://evil.example' })).toBe(403)
    expect(await status(pathname, { origin: `http://${host}` })).toBe(200)
    expect(await status(pathname, {}, 'POST')).toBe(405)
  })
})
