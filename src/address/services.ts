/**
 * Service names as /etc/services (netbase 6) has them, those that rules and tools print most. `NAME PORT` is for TCP and UDP,
 * `NAME PORT/PROTO` for one of them; the first name of a port is the one that getservbyport(3) gives. Not the whole file: a name that is missing
 * here is unknown, not wrong.
 */
const TABLE = `
  tcpmux 1/tcp, echo 7, discard 9, sink 9, null 9, daytime 13, netstat 15/tcp, chargen 19, ttytst 19, source 19,
  ftp-data 20/tcp, ftp 21/tcp, ssh 22/tcp, telnet 23/tcp, smtp 25/tcp, mail 25/tcp, time 37, timserver 37,
  whois 43/tcp, nicname 43/tcp, tacacs 49, domain 53, bootps 67/udp, bootpc 68/udp, tftp 69/udp, gopher 70/tcp,
  finger 79/tcp, http 80/tcp, www 80/tcp, kerberos 88, kerberos5 88, krb5 88, kerberos-sec 88, pop3 110/tcp,
  pop-3 110/tcp, sunrpc 111, portmapper 111, auth 113/tcp, authentication 113/tcp, tap 113/tcp, ident 113/tcp,
  nntp 119/tcp, readnews 119/tcp, untp 119/tcp, ntp 123/udp, epmap 135/tcp, loc-srv 135/tcp, netbios-ns 137/udp,
  netbios-dgm 138/udp, netbios-ssn 139/tcp, imap2 143/tcp, imap 143/tcp, snmp 161, snmp-trap 162, snmptrap 162,
  bgp 179/tcp, ldap 389, https 443, microsoft-ds 445/tcp, kpasswd 464, submissions 465/tcp, ssmtp 465/tcp,
  smtps 465/tcp, urd 465/tcp, isakmp 500/udp, rtsp 554, ipp 631/tcp, exec 512/tcp, biff 512/udp, comsat 512/udp,
  login 513/tcp, who 513/udp, whod 513/udp, shell 514/tcp, cmd 514/tcp, syslog 514, printer 515/tcp, spooler 515/tcp,
  talk 517/udp, ntalk 518/udp, route 520/udp, router 520/udp, routed 520/udp, uucp 540/tcp, uucpd 540/tcp,
  klogin 543/tcp, kshell 544/tcp, krcmd 544/tcp, dhcpv6-client 546/udp, dhcpv6-server 547/udp, nntps 563/tcp,
  snntp 563/tcp, submission 587/tcp, ldaps 636, kerberos-adm 749/tcp, domain-s 853, rsync 873/tcp, ftps-data 989/tcp,
  ftps 990/tcp, telnets 992/tcp, imaps 993/tcp, pop3s 995/tcp, socks 1080/tcp, openvpn 1194, ms-sql-s 1433/tcp,
  ms-sql-m 1434/udp, l2f 1701/udp, l2tp 1701/udp, radius 1812, radius-acct 1813, radacct 1813, nfs 2049,
  cvspserver 2401/tcp, iscsi-target 3260/tcp, mysql 3306/tcp, ms-wbt-server 3389/tcp, nut 3493, distcc 3632/tcp,
  svn 3690/tcp, subversion 3690/tcp, sieve 4190/tcp, epmd 4369/tcp, iax 4569/udp, sip 5060, sip-tls 5061,
  xmpp-client 5222/tcp, jabber-client 5222/tcp, xmpp-server 5269/tcp, jabber-server 5269/tcp, mdns 5353/udp,
  postgresql 5432/tcp, postgres 5432/tcp, amqp 5672/tcp, x11 6000/tcp, x11-0 6000/tcp, redis 6379/tcp,
  http-alt 8080/tcp, webcache 8080/tcp, puppet 8140/tcp, bacula-dir 9101/tcp, zabbix-agent 10050/tcp,
  zabbix-trapper 10051/tcp, amanda 10080/tcp, munin 4949/tcp, lrrd 4949/tcp, ircd 6667/tcp, git 9418/tcp
`

interface Service {
  readonly name: string
  readonly port: number
  readonly protocol: string | undefined
}

const SERVICES: readonly Service[] = TABLE.trim()
  .split(/,\s*/)
  .map((entry) => {
    const [name = '', where = ''] = entry.split(' ')
    const [port, protocol] = where.split('/')
    return { name, port: Number(port), protocol }
  })

/** The port of a service name; protocols other than TCP and UDP take either's. `undefined` where the name is not in the table. */
export function servicePort(name: string, protocol?: string): number | undefined {
  const found = SERVICES.filter((service) => service.name === name)
  return (found.find((service) => service.protocol === protocol || service.protocol === undefined) ?? found[0])?.port
}

/** The name of a port, as getservbyport(3) gives it, or `undefined`. */
export const serviceName = (port: number, protocol: string): string | undefined =>
  SERVICES.find((one) => one.port === port && (one.protocol === undefined || one.protocol === protocol))?.name

/** A decimal port number, 0 to 65535, or a service name. */
export function parsePort(text: string, protocol?: string): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text) <= 0xffff ? Number(text) : undefined
  return servicePort(text, protocol)
}
