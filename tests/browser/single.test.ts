import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, CHROMIUM, LINKS, Site } from './page.js'

const picture = (page: Page) => page.locator('.picture svg').evaluate((svg) => svg.outerHTML)

describe.skipIf(!CHROMIUM)('the page saved as one file', () => {
  const site = new Site()
  beforeAll(async () => {
    await site.start()
    await site.buildSingle()
  }, 120_000)
  afterAll(() => site.stop())

  /** Saves what a page shows, and says where. */
  async function saved(page: Page, name: string): Promise<string> {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as a page' }).click(),
    ])
    const path = join(site.folder, name)
    await download.saveAs(path)
    return path
  }

  test('opened from the disk it shows the same picture, asks nobody, and can be saved again', async () => {
    const { page, faults } = await site.open(await site.serve())
    await page.waitForSelector('.outcome')
    await ask(page, 'tcp > 10.96.100.7:80 from node1/shell')
    await page.fill('input[name=command]', 'iptables -t mangle -I PREROUTING 1 -p udp -j DROP')
    await page.press('input[name=command]', 'Enter')
    await page.waitForSelector('.changes li')
    await page.locator('h1').click()
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowRight')
    const first = await saved(page, 'first.html')

    const copy = await site.open(pathToFileURL(first).href)
    await copy.page.waitForSelector('.outcome')
    await copy.page.waitForSelector('.changes li')
    await expect.poll(() => picture(copy.page)).toBe(await picture(page))
    expect(await copy.page.inputValue('input[name=packet]')).toBe('tcp > 10.96.100.7:80 from node1/shell')

    // all of it works there: another sample, a lesson, the editor, the questions of the second worker
    await copy.page.selectOption('header select', 'docker-ufw-host')
    await copy.page.waitForFunction(() =>
      document.querySelector('#map-title')?.textContent?.endsWith('docker-ufw-host'),
    )
    await copy.page.getByText('What is wrong in the rules').click()
    await copy.page.waitForSelector('.finding')
    await copy.page.getByText('Edit as text').click()
    await copy.page.getByLabel('File', { exact: true }).selectOption('docker-ufw-host/iptables-save')
    await copy.page.locator('.cm-content').waitFor()
    await ask(copy.page, 'tcp > 172.17.0.2:80')
    await copy.page.waitForSelector('.outcome.delivered')
    const second = await saved(copy.page, 'second.html')

    const again = await site.open(pathToFileURL(second).href)
    await again.page.waitForSelector('.outcome.delivered')
    await expect.poll(() => picture(again.page)).toBe(await picture(copy.page))
    const policy = (path: string) => /content="(default-src[^"]*)"/.exec(readFileSync(path, 'utf8'))?.[1]
    expect(policy(second)).toBe(policy(first))
    expect([...faults, ...copy.faults, ...again.faults]).toEqual([])
    for (const one of [page, copy.page, again.page]) await one.close()
  })

  test('what the snapshot says ends no script, and a script that somebody adds does not run', async () => {
    const hostile = '</script><script>document.title = "owned"</script><!--<script>'
    const files = [...LINKS, { path: 'h/notes', text: hostile }]
    const { page } = await site.open(await site.serve(JSON.stringify(files)))
    await page.waitForSelector('button[type=submit]:not([disabled])')
    await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:443 in eth0')
    await page.waitForSelector('.outcome')
    const path = await saved(page, 'hostile.html')
    const copy = await site.open(pathToFileURL(path).href)
    await copy.page.waitForSelector('.outcome')
    expect(await copy.page.title()).toBe('packetwalk')
    expect(copy.faults).toEqual([])
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text.replace('</body>', '<script>document.title = "owned"</script><img src="http://192.0.2.1/"></body>'),
    )
    const changed = await site.open(pathToFileURL(path).href)
    await changed.page.waitForSelector('.outcome')
    expect(await changed.page.title()).toBe('packetwalk')
    const refused = changed.faults.filter((fault) => fault.includes('Content Security Policy'))
    expect(refused).toHaveLength(2)
    for (const fault of refused) expect(fault).toContain('has been blocked')
    for (const one of [page, copy.page, changed.page]) await one.close()
  })
})
