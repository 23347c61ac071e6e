import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFolder } from '../../src/snapshot/files.js'
import { ask, CHROMIUM, chains, LINKS, Site } from './page.js'

/** Where an element is on the screen. */
const boxOf = async (page: Page, selector: string) => (await page.locator(selector).first().boundingBox())!

describe.skipIf(!CHROMIUM)('the picture, and what comes into it', () => {
  const site = new Site()
  let url = ''
  beforeAll(async () => {
    await site.start()
    url = await site.serve()
  }, 120_000)
  afterAll(() => site.stop())

  test('the header goes along with the packet, and shows what is rewritten where it is', async () => {
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome.delivered')
    await page.locator('h1').click()
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('ArrowRight')
      await page.waitForTimeout(400)
      const [card, stage] = [await boxOf(page, '.traveller rect'), await boxOf(page, '.stage.current .box')]
      expect(card.x).toBeLessThan(stage.x + stage.width)
      expect(card.x + card.width).toBeGreaterThan(stage.x)
      expect(
        Math.min(Math.abs(card.y + card.height - stage.y), Math.abs(stage.y + stage.height - card.y)),
      ).toBeLessThan(12)
      const changed = await page.locator('.traveller .changed').allTextContents()
      const current = await page.getAttribute('.stage.current', 'data-stage')
      // DNAT to a pod with the mark for masquerading, then the masquerading itself
      if (current === 'output') expect(changed).toEqual(['→ 10.244.1.3:8080', 'mark 0x4000'])
      else if (current === 'postrouting') expect(changed[0]).toMatch(/^10\.244\.0\.0:\d+$/)
      else expect(changed).toEqual([])
    }
    expect(faults).toEqual([])
    await page.close()
  })

  test('space plays the walk, and again stops it; a key or a stage in the picture goes elsewhere', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    await ask(page, 'tcp > 10.96.100.8:80 from node1')
    await page.waitForSelector('.outcome.rejected')
    const slider = page.locator('input[type=range]')
    const position = async () => Number(await slider.inputValue())
    await page.locator('h1').click()
    await page.keyboard.press(' ')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await expect.poll(position).toBeGreaterThan(0)
    await page.keyboard.press(' ')
    await page.getByRole('button', { name: 'Play' }).waitFor()
    await page.keyboard.press('Home')
    expect(await position()).toBe(0)
    await page.keyboard.press(' ')
    const last = Number(await slider.getAttribute('max'))
    await expect.poll(position, { timeout: 20_000 }).toBe(last)
    await page.getByRole('button', { name: 'Play' }).waitFor()
    await page.locator('.stage.lit .head[role=button]').first().focus()
    await page.keyboard.press('Enter')
    await expect.poll(position).toBeLessThan(last)
    // with the slider alone
    await slider.focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('End')
    await expect.poll(position).toBe(last)
    await page.close()
  })

  test('picture and topology are zoomed with keys, buttons and the wheel', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome.delivered')
    await page.waitForSelector('.topology svg')
    for (const name of ['.picture', '.topology']) {
      const width = async () => Math.round((await boxOf(page, `${name} svg`)).width)
      const own = await width()
      await page.focus(name)
      await page.keyboard.press('+')
      await expect.poll(width).toBeGreaterThan(own * 1.2)
      await page.keyboard.press('-')
      await expect.poll(width).toBe(own)
      await page.keyboard.press('0')
      const zoomable = page.locator('.zoomable', { has: page.locator(name) })
      await zoomable.getByRole('button', { name: 'Zoom in' }).click()
      await expect.poll(width).toBeGreaterThan(own * 1.2)
      await zoomable.getByRole('button', { name: 'Fit' }).click()
      await expect.poll(width).toBe(own)
      const { x, y, width: wide, height } = await boxOf(page, name)
      await page.mouse.move(x + wide / 2, y + height / 2)
      await page.keyboard.down('Control')
      await page.mouse.wheel(0, 100)
      await page.keyboard.up('Control')
      await expect.poll(width).toBeLessThan(own)
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    await page.close()
  })

  test('first questions for a snapshot of one’s own: each can be walked', async () => {
    for (const sample of ['docker-ufw-host', 'k8s-cluster']) {
      const files = await readFolder(join(import.meta.dirname, '../../samples', sample))
      const { page, faults } = await site.open(await site.serve(JSON.stringify(files)))
      const chips = page.locator('.presets .chip')
      await chips.first().waitFor()
      const names = await chips.allTextContents()
      for (const name of ['outside → ssh', 'container → internet', 'ping', 'host → DNS']) expect(names).toContain(name)
      if (sample === 'k8s-cluster') expect(names).toContain('host → Service')
      for (let i = 0; i < names.length; i++) {
        await chips.nth(i).click()
        await page.waitForSelector(`.presets .chip:nth-of-type(${i + 1})[aria-pressed=true]`)
        await page.waitForSelector('.outcome')
        expect(await page.locator('#line-problem').count(), names[i]).toBe(0)
      }
      expect(faults).toEqual([])
      await page.close()
    }
  })

  test.each([360, 1600, 3840])(
    'names, comments and paths of any kind are text, and move nothing (%i px wide)',
    async (width) => {
      const evil = '<svg/onload=alert(1)>'
      const comments = [
        '<img src=x onerror=alert(1)>',
        '\u202Egnp.exe',
        '</code><script>alert(1)</script>',
        '&lt;b&gt;',
      ]
      const rules = comments.map((comment) => `-A INPUT -m comment --comment "${comment}" -p tcp -j ${evil}\n`).join('')
      const long = 'x'.repeat(10_000)
      const filter = chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], `${rules}-A ${evil} -p tcp -j ACCEPT\n`).replace(
        ':INPUT',
        `:${evil} - [0:0]\n:\u202Egnp - [0:0]\n:INPUT`,
      )
      const nft = `table inet mine {\n\tchain ${'n'.repeat(120)} {\n\t\ttype filter hook input priority 5; policy accept;\n\t\tcounter accept\n\t}\n}\n`
      const files = [
        ...LINKS,
        { path: 'h/iptables-save', text: `# ${long}\n${filter}` },
        { path: 'h/nft-ruleset.nft', text: nft },
        { path: `h/<img src=x onerror=alert(1)>${long}`, text: 'what is this?' },
        { path: 'h/\u202Etxt.elif', text: 'and this?' },
      ]
      const { page, faults } = await site.open(await site.serve(JSON.stringify(files)), {
        viewport: { width, height: 900 },
      })
      await page.waitForSelector('button[type=submit]:not([disabled])')
      await ask(page, 'tcp 198.51.100.9 > 192.0.2.10:443 in eth0')
      await page.waitForSelector('.outcome')
      await page.getByRole('button', { name: 'To the end' }).click()
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true
      })
      await page.locator('[data-entry$="filter INPUT"]').first().click()
      await expect.poll(() => page.textContent('.rules')).toContain('<img src=x onerror=alert(1)>')
      await page.check('input[name=whole]')
      await expect.poll(() => page.textContent('.rules')).toContain(evil)
      await expect.poll(() => page.textContent('.recognised')).toContain('<img src=x onerror=alert(1)>')
      // nothing of it became an element, and the layout holds
      expect(await page.locator('main img, main script, svg svg, [onerror], [onload]').count()).toBe(0)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      const heights = await page.locator('.rule').evaluateAll((all) => [...new Set(all.map((one) => one.clientHeight))])
      expect(heights).toHaveLength(1)
      // marks that turn the direction stay within the text that has them
      const isolated = await page
        .locator('.rule code')
        .evaluateAll((all) => all.every((one) => getComputedStyle(one).unicodeBidi !== 'normal'))
      expect(isolated).toBe(true)
      expect(faults).toEqual([])
      await page.close()
    },
  )

  test('a comment of 10,000 characters is refused, as the kernel does, and breaks nothing', async () => {
    const rule = `-A INPUT -p tcp -m comment --comment "${'y'.repeat(10_000)}" -j ACCEPT\n`
    const text = chains('filter', ['INPUT', 'FORWARD', 'OUTPUT'], rule)
    const { page, faults } = await site.open(url)
    await page.waitForSelector('.outcome')
    await page.getByRole('button', { name: 'Paste…' }).click()
    await page.fill(
      'dialog textarea',
      `${LINKS.map((file) => file.text).join('')}# Generated by iptables-save\n${text}`,
    )
    await page.getByRole('button', { name: 'Read it' }).click()
    await expect.poll(() => page.textContent('.problems')).toContain('at most 255 characters')
    // what was open stays
    expect(await page.locator('.outcome').count()).toBeGreaterThan(0)
    await page.fill('input[name=command]', `iptables -I INPUT 1 -m comment --comment "${'z'.repeat(10_000)}" -j DROP`)
    await page.press('input[name=command]', 'Enter')
    await page.waitForSelector('.what-if .problem')
    await page.fill('input[name=packet]', 'w'.repeat(10_000))
    await page.press('input[name=packet]', 'Enter')
    await page.waitForSelector('#line-problem')
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(faults).toEqual([])
    await page.close()
  })

  test('the policy holds: no script, picture, style, frame or request from elsewhere', async () => {
    const { page } = await site.open(url)
    await page.waitForSelector('.outcome')
    const refused = await page.evaluate(async () => {
      const found: string[] = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => found.push(effectiveDirective))
      const add = (name: string, values: Record<string, string>) =>
        document.body.append(Object.assign(document.createElement(name), values))
      add('script', { textContent: 'document.title = "owned"' })
      add('script', { src: 'https://198.51.100.1/x.js' })
      add('img', { src: 'https://198.51.100.1/x.png' })
      add('link', { rel: 'stylesheet', href: 'https://198.51.100.1/x.css' })
      add('style', { textContent: 'body { display: none }' })
      add('iframe', { src: 'https://198.51.100.1/' })
      document.body.setAttribute('onclick', 'document.title = "owned"')
      await fetch('https://198.51.100.1/').catch(() => undefined)
      try {
        new WebSocket('wss://198.51.100.1/')
      } catch {}
      navigator.sendBeacon('https://198.51.100.1/')
      document.body.click()
      await new Promise((resolve) => setTimeout(resolve, 500))
      return [...new Set(found)].sort()
    })
    expect(refused).toEqual(
      expect.arrayContaining([
        'connect-src',
        'frame-src',
        'img-src',
        'script-src-attr',
        'script-src-elem',
        'style-src-elem',
      ]),
    )
    expect(await page.title()).toBe('packetwalk')
    await page.close()
  })
})
