import { t } from '../i18n/index.js'
import { ask, line } from '../state.js'

const FIELDS = ['src', 'sport', 'dst', 'dport', 'in', 'from'] as const
type Field = (typeof FIELDS)[number]

/** The packet as a form, for those who prefer one: it writes the line. */
export function PacketFields() {
  const write = (form: HTMLFormElement) => {
    const data = new FormData(form)
    const of = (name: Field | 'protocol') => String(data.get(name) ?? '').trim()
    line.value = sentence(
      of('protocol'),
      Object.fromEntries(FIELDS.map((name) => [name, of(name)])) as Record<Field, string>,
    )
    ask()
  }
  return (
    <details class="fields">
      <summary>{t('packetForm')}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          write(event.currentTarget)
        }}
      >
        <label>
          {t('protocol')}
          <select name="protocol">
            {['tcp', 'udp', 'icmp', 'icmpv6', 'sctp'].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {FIELDS.map((name) => (
          <label key={name}>
            {t(`field-${name}`)}
            <input
              type="text"
              name={name}
              size={name.endsWith('port') ? 6 : 18}
              autocomplete="off"
              spellcheck={false}
              required={name === 'dst'}
            />
          </label>
        ))}
        <button type="submit" class="primary">
          {t('walk')}
        </button>
      </form>
    </details>
  )
}

/** `tcp 10.0.0.1:5 > [2001:db8::1]:80 in eth0`. */
export function sentence(
  protocol: string,
  { src, sport, dst, dport, in: iface, from }: Readonly<Record<Field, string>>,
): string {
  const end = (address: string, port: string) =>
    port === '' ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`
  const words = [
    protocol,
    src === '' ? '' : end(src, sport),
    '>',
    end(dst, dport),
    iface && `in ${iface}`,
    from && `from ${from}`,
  ]
  return words.filter((word) => word !== '').join(' ')
}
