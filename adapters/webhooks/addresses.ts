import { BlockList, isIP } from 'node:net'

// Which addresses are everybody's. Whoever sets up a webhook chooses where this server connects to, so what only this server can
// reach must not be among them: its own machine, its network, the cloud's metadata.

/** IANA's special-purpose registry, but for what is global in it. */
const privateIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // With 169.254.169.254, where most clouds keep their metadata.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // A public address, but Azure answers there with its metadata.
  '168.63.129.16/32',
]

/** Global unicast; all else is somebody's own, multicast, or an IPv4 address in disguise. */
const publicIpv6 = ['2000::/3']

/** Of that again: protocol assignments (Teredo among them), 6to4, which holds an IPv4 address, and documentation. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const ipv4 = listOf(privateIpv4, 'ipv4')
const global = listOf(publicIpv6, 'ipv6')
const special = listOf(specialIpv6, 'ipv6')

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [address, prefix] = subnet.split('/')
    list.addSubnet(address!, Number(prefix), family)
  }
  return list
}

/** Whether an IP address, without brackets, is one that anybody could reach. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !ipv4.check(address, 'ipv4')
    case 6:
      return global.check(address, 'ipv6') && !special.check(address, 'ipv6')
    default:
      return false
  }
}

/** The host of a URL as an IP address; undefined when it is a name. `URL` itself has made `127.1` and `0x7f000001` 127.0.0.1. */
export function addressIn({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(host) ? host : undefined
}

/** Why nothing may be sent to `text`; undefined when, as far as the text tells, it may. */
export function refusalOfUrl(text: string, allowPrivate: boolean): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'is no URL'
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must be https'
  if (url.username || url.password) return 'must not hold a user or a password'
  if (url.hash) return 'must not have a fragment'
  const address = addressIn(url)
  return address !== undefined && !allowPrivate && !isPublicAddress(address) ? 'is a private address' : undefined
}
