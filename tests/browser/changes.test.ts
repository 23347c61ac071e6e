import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFolder } from '../../src/snapshot/files.js'
import { readSnapshot } from '../../src/snapshot/index.js'
import { CHROMIUM, chains, LINKS, Site } from './page.js'

describe.skipIf(!CHROMIUM)('what if, rules, questions over all packets', () => {
  const site = new Site()
  let url = ''
  beforeAll(async () => {
    await site.start()
    url = await site.serve()
  }, 120_000)
  afterAll(() => site.stop())

  const command = async (page: Page, text: string) => {
    await page.fill('input[name=command]', text)
    await page.press('input[name=command]', 'Enter')
  }
  const serveRules = (rules: string) =>
    site.serve(
      JSON.stringify([
        ...LINKS,
        { path: 'h/iptables-save', text: chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], rules) },
      ]),
    )

  test('undo and redo over the console, the settings and the editor', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome.delivered')
    await command(page, 'iptables -t mangle -A OUTPUT -d 10.96.100.7 -j DROP')
    await page.waitForSelector('.outcome.dropped')
    await page.getByText('Settings of node1').click()
    await page.locator('.switches li', { hasText: 'net.ipv4.ip_forward' }).locator('select').selectOption('0')
    await expect.poll(() => page.locator('.changes li').count()).toBe(2)
    expect(await page.locator('.changes li').last().textContent()).toBe('node1: sysctl -w net.ipv4.ip_forward=0')
    await page.getByText('Edit as text').click()
    await page.getByLabel('File', { exact: true }).selectOption('k8s-cluster/node1/sysctl')
    const text = page.locator('.cm-content')
    await text.waitFor()
    await text.click()
    await page.keyboard.press('ControlOrMeta+Home')
    await page.keyboard.insertText('net.ipv4.conf.all.log_martians = 1\n')
    await page.waitForFunction(() => document.querySelector<HTMLSelectElement>('header select')?.value === '')
    const undo = page.getByRole('button', { name: 'Undo' })
    const redo = page.getByRole('button', { name: 'Redo' })
    await undo.click()
    await expect.poll(() => text.textContent()).not.toContain('log_martians = 1net')
    await undo.click()
    await expect.poll(() => page.locator('.changes li').count()).toBe(1)
    await page.locator('h1').click()
    await page.keyboard.press('ControlOrMeta+Z')
    await page.waitForSelector('.outcome.delivered')
    expect(await undo.isDisabled()).toBe(true)
    await page.keyboard.press('ControlOrMeta+Shift+Z')
    await page.waitForSelector('.outcome.dropped')
    await redo.click()
    await expect.poll(() => page.locator('.changes li').count()).toBe(2)
    expect(faults).toEqual([])
    await page.close()
  })

  test('what fares differently: packets, connections, the rules responsible', async () => {
    const { page, faults } = await site.open(await serveRules('-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n'))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await command(page, 'iptables -I INPUT 1 -s 198.51.100.0/24 -p tcp --dport 22 -j DROP')
    const rows = page.locator('.difference-row')
    const row = rows.first()
    await row.waitFor()
    expect(await rows.locator('.packets').allTextContents()).toEqual([
      'tcp 198.51.100.0/24 → 192.0.2.10,192.0.2.255:22 in h:eth0',
      'tcp 198.51.100.0/24 → any:22 ESTABLISHED,RELATED',
    ])
    expect(await row.locator('.side.accepted').textContent()).toContain('-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT')
    expect(await row.locator('.side.dropped').textContent()).toContain('-A INPUT -s 198.51.100.0/24')
    await row.getByRole('button', { name: 'walk an example' }).click()
    await page.waitForSelector('.outcome.dropped')
    expect(faults).toEqual([])
    await page.close()
  })

  test('the console completes tables, chains, targets, options and settings', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    const offered = async (text: string) => {
      await page.fill('input[name=command]', text)
      await expect.poll(() => page.locator('#commands option').count()).toBeGreaterThan(0)
      return page.locator('#commands option').evaluateAll((all) => all.map((one) => one.getAttribute('value')))
    }
    expect(await offered('iptables -t na')).toEqual(['iptables -t nat'])
    expect(await offered('iptables -t nat -A KUBE-SER')).toEqual(['iptables -t nat -A KUBE-SERVICES'])
    expect(await offered('iptables -A FORWARD -o cn')).toEqual(['iptables -A FORWARD -o cni0'])
    expect(await offered('iptables -A FORWARD -m conntrack --cts')).toContain(
      'iptables -A FORWARD -m conntrack --ctstate',
    )
    expect(await offered('sysctl -w net.ipv4.ip_f')).toEqual(['sysctl -w net.ipv4.ip_forward='])
    expect(await offered('ip route add 10.0.0.0/8 dev fl')).toEqual(['ip route add 10.0.0.0/8 dev flannel.1'])
    await page.close()
  })

  test('taken away as a script, and as text that iptables-restore reads', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    await command(page, 'iptables -t mangle -A OUTPUT -d 10.96.100.7 -j DROP')
    await page.waitForSelector('.outcome.dropped')
    await command(page, 'node1/shell: ip route add blackhole 10.9.0.0/16')
    await expect.poll(() => page.locator('.changes li').count()).toBe(2)
    await page.getByRole('button', { name: 'As a script' }).click()
    expect(await page.inputValue('.export textarea')).toBe(
      '#!/bin/sh -e\n# on node1\niptables -t mangle -A OUTPUT -d 10.96.100.7 -j DROP\nip netns exec shell ip route add blackhole 10.9.0.0/16\n',
    )
    await page.getByRole('button', { name: 'As iptables-restore text' }).click()
    await expect.poll(() => page.inputValue('.export textarea')).toContain('*mangle')
    const text = await page.inputValue('.export textarea')
    expect(text).toContain('-A OUTPUT -d 10.96.100.7/32 -j DROP')
    const before = readSnapshot(await readFolder(join(import.meta.dirname, '../../samples/k8s-cluster/node1')))
    const after = readSnapshot([{ path: 'node1/iptables-save', text: text.slice(0, text.indexOf('# ip6tables')) }])
    if (!before.ok || !after.ok) throw new Error('cannot be read')
    const rules = (read: typeof before & { ok: true }, family: number) =>
      read.hosts.namespaces[0]!.tables.filter((table) => table.family === family && table.name === 'nat').flatMap(
        ({ chains: all }) => [...all.values()].flatMap((chain) => chain.rules.map((rule) => rule.text)),
      )
    expect(rules(after, 4).sort()).toEqual(rules(before, 4).sort())
    await page.close()
  })

  test('a rule: what was compared, which packets come to it, one to walk, its line in the file', async () => {
    const rules = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -j DROP\n'
    const { page, faults } = await site.open(await serveRules(rules))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await page.fill('input[name=packet]', 'tcp 198.51.100.9 > 192.0.2.10:443 in eth0')
    await page.press('input[name=packet]', 'Enter')
    await page.waitForSelector('.outcome')
    await page.locator('[data-entry$="filter INPUT"]').first().click()
    await page.locator('.rule[data-rule="1"] .text').click()
    const detail = page.locator('.rule-detail')
    expect(await detail.locator('.compared dd').allTextContents()).toEqual([
      'did not match',
      'destination port',
      '22',
      '443',
    ])
    await page.locator('.rule[data-rule="2"] .text').click()
    await expect.poll(() => detail.locator('.packets').first().textContent()).toContain('tcp any → any:all but 22')
    expect(await detail.locator('.packets').last().textContent()).toContain('tcp 10.0.0.0/8 → any:all but 22')
    await detail.getByRole('button', { name: 'walk an example' }).click()
    await page.waitForSelector('.outcome.dropped')
    expect(await page.inputValue('input[name=packet]')).toMatch(/^tcp 10\./)
    await detail.getByRole('button', { name: 'h/iptables-save:6' }).click()
    await page.locator('.cm-content').waitFor()
    expect(faults).toEqual([])
    await page.close()
  })

  test('what gets from here to there, and who gets a connection to what', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.selectOption('header select', 'docker-ufw-host')
    await page.waitForFunction(() => document.querySelector('#map-title')?.textContent?.endsWith('docker-ufw-host'))
    await page.getByText('What gets from here to there?').click()
    await page.selectOption('select[name=at]', 'docker-ufw-host')
    await page.fill('input[name=to]', '172.17.0.2:80/tcp')
    await page.press('input[name=to]', 'Enter')
    await page.waitForSelector('.reach-answer.some')
    expect(await page.textContent('.reach-answer .packets')).toContain('192.0.2.10:8080')
    await page.locator('.reach-answer .chip').first().click()
    await page.waitForSelector('.outcome.delivered')
    await page.getByText('Who gets a connection to what?').click()
    await page.waitForSelector('.matrix td.works')
    const cell = page.locator('.matrix td.works button').first()
    const line = (await cell.getAttribute('aria-label'))!.replace(/: \S.*$/, '')
    await cell.click()
    await expect.poll(() => page.inputValue('input[name=packet]')).toContain(line.split(' ')[0]!)
    // and the same over all packets: the container that ufw was to protect is reached by everybody outside
    await page.getByText('Who reaches what, over all packets?').click()
    const all = page.locator('.all-matrix td button[aria-label^="internet → "]')
    await all.first().waitFor({ timeout: 60_000 })
    const published = page.locator('.all-matrix td button[aria-label*="192.0.2.10:8080"][aria-label^="internet"]')
    expect(await published.getAttribute('aria-label')).toMatch(/every packet arrives|some arrive/)
    expect(await published.getAttribute('aria-label')).toContain('docker-ufw-host/web ← ')
    await published.click()
    await page.waitForSelector('.outcome.delivered')
    expect(faults).toEqual([])
    await page.close()
  })

  test('two snapshots side by side', async () => {
    const { page, faults } = await site.open(await serveRules('-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n'))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await page.getByText('Compare with another snapshot').click()
    const text = chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], '-A INPUT -p tcp -m tcp --dport 22 -j DROP\n')
    await page
      .locator('.questions input[type=file]')
      .setInputFiles({ name: 'rules.v4.new', mimeType: 'text/plain', buffer: Buffer.from(text) })
    const row = page.locator('.questions .difference-row')
    await row.waitFor()
    expect(await row.locator('.side.accepted').textContent()).toContain('this one')
    expect(await row.locator('.side.dropped').textContent()).toContain('rules.v4.new')
    expect(faults).toEqual([])
    await page.close()
  })
})
