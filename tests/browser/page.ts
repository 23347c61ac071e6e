import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { type Served, serveUi } from '../../src/cli/ui-server.js'

const root = join(import.meta.dirname, '../..')

/** Chromium as distributions install it; undefined: none here. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

/** The page, built for the test and served as `packetwalk ui` serves it. */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'packetwalk-page-'))
  browser!: Browser
  #served: Served[] = []

  async start(): Promise<void> {
    await build({
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: this.folder, emptyOutDir: true },
    })
    this.browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] })
  }

  /** The page in one file, which lies beside the page. */
  async buildSingle(): Promise<void> {
    await build({
      configFile: join(root, 'vite.single.config.ts'),
      logLevel: 'error',
      build: { outDir: this.folder, emptyOutDir: false },
    })
  }

  async serve(snapshot?: string): Promise<string> {
    const served = await serveUi({ root: this.folder, snapshot, port: 0 })
    this.#served.push(served)
    return served.url
  }

  /** A page with one walk on it, and what went wrong in it. */
  async open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
    const page = await this.browser.newPage(options)
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('dialog', (dialog) => {
      faults.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      const to = request.url()
      const own = url.startsWith('file:') ? to === url : to.startsWith(new URL(url).origin)
      // what a page makes itself and has in itself is asked of nobody
      if (!own && !/^(blob|data):/.test(to)) faults.push(`request to ${to}`)
    })
    await page.goto(url)
    return { page, faults }
  }

  async stop(): Promise<void> {
    await this.browser?.close()
    for (const served of this.#served) await served.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What lies lit in the picture with the slider at a position, and of which namespace it is. */
export async function litAt(page: Page, position: number): Promise<{ place: string; lit: string[] }> {
  return page.evaluate(async (index) => {
    const slider = document.querySelector<HTMLInputElement>('input[type=range]')!
    slider.value = String(index)
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    const lit = [...document.querySelectorAll('.stage.lit')].map((stage) => stage.getAttribute('data-stage') ?? '')
    return { place: document.querySelector('.journey [aria-current]')?.textContent ?? '', lit: lit.sort() }
  }, position)
}

/** Types a packet's line and waits for its walk. */
export async function ask(page: Page, line: string): Promise<void> {
  await page.fill('input[name=packet]', line)
  await page.press('input[name=packet]', 'Enter')
  await page.waitForFunction(() => !document.querySelector('button[type=submit]')?.hasAttribute('disabled'))
}

/** A host with one interface. */
export const LINKS = [
  {
    path: 'h/ip-addr',
    text: '1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever\n',
  },
  {
    path: 'h/ip-route',
    text: 'default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n',
  },
]

export const chains = (table: string, names: readonly string[], rules = '') =>
  `*${table}\n${names.map((name) => `:${name} ACCEPT [0:0]\n`).join('')}${rules}COMMIT\n`
