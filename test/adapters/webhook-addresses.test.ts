import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isPublicAddress, refusalOfUrl } from '../../adapters/webhooks/addresses.ts'
import { property } from '../support/property.ts'

const addresses = suite('webhook addresses')

addresses('what only this server can reach is not public', () => {
  for (const address of [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.255',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'localhost',
    '',
    '8.8.8.8:80',
  ])
    assert.not.ok(isPublicAddress(address), address)
})

addresses('what anybody could reach is', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450::1',
    '2001:4860:4860::8888',
  ])
    assert.ok(isPublicAddress(address), address)
})

addresses('an IPv4 address within an IPv6 one is never public', () => {
  const byte = fc.nat(255)
  property(
    fc.property(byte, byte, byte, byte, (...parts) => {
      const hex = parts.map((part) => part.toString(16).padStart(2, '0'))
      const tail = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`
      for (const inner of [`::ffff:${parts.join('.')}`, `::ffff:${tail}`, `::${tail}`, `64:ff9b::${tail}`, `2002:${tail}::1`])
        assert.not.ok(isPublicAddress(inner), inner)
    }),
  )
})

addresses('a URL is looked at as the connection will see it', () => {
  const refused = (url: string) => refusalOfUrl(url, false) !== undefined
  for (const url of [
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://１２７.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://[0:0:0:0:0:ffff:7f00:1]/',
    'https://10.0.0.1.:443/',
    'http://example.com/',
    'ftp://example.com/',
    'https://a:b@example.com/',
    'https://example.com/#',
    'https:///',
  ])
    assert.is(refused(url), url !== 'https://example.com/#', url)
  assert.not.ok(refused('https://example.com:8443/path?query=1'))
  for (const url of ['http://127.0.0.1:8080/x', 'https://[::1]/', 'http://localhost/'])
    assert.is(refusalOfUrl(url, true), undefined)
  assert.ok(refusalOfUrl('file:///etc/passwd', true))
})

addresses.run()
