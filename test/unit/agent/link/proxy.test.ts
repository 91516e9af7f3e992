import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chooseProxy } from '../../../../agent/link/proxy.ts'

const HTTPS_PROXY = 'http://proxy:3128'
const via = (address: string, NO_PROXY: string): boolean =>
  chooseProxy(address, { HTTPS_PROXY, NO_PROXY }) !== undefined

describe('the proxy for a hub', () => {
  test('is named by HTTPS_PROXY in either case, lower case first', () => {
    const proxy = { host: 'proxy', port: 3128 }
    assert.deepEqual(chooseProxy('hub:7443', { HTTPS_PROXY }), proxy)
    assert.deepEqual(chooseProxy('hub:7443', { https_proxy: HTTPS_PROXY }), proxy)
    assert.deepEqual(
      chooseProxy('hub:7443', { HTTPS_PROXY: 'http://x', https_proxy: HTTPS_PROXY }),
      proxy,
    )
    assert.deepEqual(chooseProxy('hub:7443', { HTTPS_PROXY: 'proxy:3128' }), proxy)
    assert.equal(chooseProxy('hub:7443', { HTTPS_PROXY: 'http://proxy' })?.port, 80)
    assert.deepEqual(chooseProxy('hub:7443', { HTTPS_PROXY: 'http://[fd00::1]:3128' }), {
      host: 'fd00::1',
      port: 3128,
    })
    assert.equal(chooseProxy('hub:7443', {}), undefined)
    assert.equal(chooseProxy('hub:7443', { HTTPS_PROXY: '', HTTP_PROXY: 'http://x' }), undefined)
  })

  test('is told who asks, escapes undone', () => {
    const proxy = chooseProxy('hub:1', { HTTPS_PROXY: 'http://ada:p%40ss%3A@proxy:1' })
    assert.equal(proxy?.authorization, `Basic ${Buffer.from('ada:p@ss:').toString('base64')}`)
  })

  test('that cannot be used is refused without a word of its password', () => {
    for (const url of [
      'https://u:secret@proxy',
      'socks5://u:secret@proxy',
      'http://u:secret@',
      'http://u:secret%zz@p',
    ]) {
      assert.throws(
        () => chooseProxy('hub:7443', { HTTPS_PROXY: url }),
        (error: Error & { code?: string }) =>
          error.code === 'config_invalid' && !error.message.includes('secret'),
      )
    }
  })

  for (const [address, entry, expected] of [
    ['hub.example:7443', '*', false],
    ['hub.example:7443', '', true],
    ['hub.example:7443', ',', true],
    ['hub.example:7443', 'other, ,', true],
    ['hub.example:7443', 'hub.example', false],
    ['HUB.example.:7443', 'hub.EXAMPLE', false],
    ['a.hub.example:7443', 'hub.example', false],
    ['evilhub.example:7443', 'hub.example', true],
    ['hub.example:7443', 'a,  hub.example ,b', false],
    ['hub.example:7443', 'a hub.example b', false],
    ['hub.example:7443', '.example', false],
    ['hub.example:7443', '*.example', false],
    ['example:7443', '.example', true],
    ['example:7443', '*.example', true],
    ['hub.example:7443', 'example', false],
    ['hub.example:7443', 'ample', true],
    ['hub.example:7443', 'hub.example:7443', false],
    ['hub.example:7443', 'hub.example:443', true],
    ['hub.example:7443', '.', true],
    ['10.1.2.3:7443', '10.1.2.3', false],
    ['10.1.2.33:7443', '10.1.2.3', true],
    ['10.1.2.3:7443', '10.0.0.0/8', false],
    ['11.1.2.3:7443', '10.0.0.0/8', true],
    ['10.1.2.3:7443', '0.0.0.0/0', false],
    ['10.1.2.3:7443', '10.0.0.0/40', true],
    ['10.1.2.3:7443', '10.1.2.3:7443', false],
    ['hub.example:7443', '10.0.0.0/8', true],
    ['[fd00::12]:7443', 'fd00::/8', false],
    ['[fd00::12]:7443', 'fe00::/8', true],
    ['[fd00::12]:7443', 'fd00:0:0::12', false],
    ['[fd00::12]:7443', '[fd00::12]:7443', false],
    ['[fd00::12]:7443', '[fd00::12]:1', true],
    ['10.1.2.3:7443', '::/0', true],
    ['localhost:7443', '', false],
    ['127.0.0.1:7443', '', false],
    ['[::1]:7443', '', false],
  ] as const) {
    test(`${address} with NO_PROXY=${JSON.stringify(entry)}: ${expected ? 'through it' : 'directly'}`, () => {
      assert.equal(via(address, entry), expected)
    })
  }
})
