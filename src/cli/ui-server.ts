import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The page's own policy (web/index.html) once more, and who may frame it, which only a header can say. WebAssembly is what unpacks .xz. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

export interface Served {
  readonly url: string
  close(): Promise<void>
}

export interface UiOptions {
  /** The folder that holds the built page. */
  readonly root: string
  /** The snapshot's files as JSON; the page asks for them. */
  readonly snapshot: string | undefined
  /** 0: any that is free. */
  readonly port: number
}

/**
 * Serves the page to this machine's own browser: on 127.0.0.1, under a path that nobody can guess, to no other origin, to reading requests only.
 * A page from elsewhere that finds the port knows no token; a name that somebody points at 127.0.0.1 is not the Host that we answer to.
 */
export async function serveUi({ root, snapshot, port }: UiOptions): Promise<Served> {
  // asked for here: imported at the top they would be loaded by every command
  const { randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto')
  const { readFile } = process.getBuiltinModule('node:fs/promises')
  const { createServer } = process.getBuiltinModule('node:http')
  const { extname, join, sep } = process.getBuiltinModule('node:path')
  const same = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
  const token = randomBytes(24).toString('base64url')
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => finish(response, 500))
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const own = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const { host, origin } = request.headers
    if (host !== own || (origin !== undefined && origin !== `http://${own}`)) return finish(response, 403)
    if (request.method !== 'GET' && request.method !== 'HEAD') return finish(response, 405)
    const [, given = '', ...rest] = new URL(request.url ?? '/', `http://${own}`).pathname.split('/')
    if (!same(encodeURIComponent(given), token)) return finish(response, 404)
    const path = rest.join('/') || 'index.html'
    if (path === 'snapshot.json')
      return snapshot === undefined ? finish(response, 404) : finish(response, 200, snapshot, 'application/json')
    const file = join(root, decodeURIComponent(path))
    const type = TYPES[extname(file)]
    if (!file.startsWith(root.endsWith(sep) ? root : root + sep) || type === undefined) return finish(response, 404)
    const content = await readFile(file).catch(() => undefined)
    if (content === undefined) return finish(response, 404)
    finish(response, 200, content, type)
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}/${token}/${snapshot === undefined ? '' : '#served'}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function finish(response: ServerResponse, status: number, content: string | Buffer = '', type = 'text/plain'): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': type }).end(content)
}
