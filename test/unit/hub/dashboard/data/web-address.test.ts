import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toWebAddress } from '../../../../../hub/dashboard/data/web-address.ts'

test('an address of a Git host is linked to, also where that is a Gitea without TLS', () => {
  for (const url of ['https://git.example/fleet/pull/7', 'http://gitea.lab:3000/fleet/pulls/7']) {
    assert.equal(toWebAddress(url), url)
  }
})

test('what is no page of the web is not linked to', () => {
  const others = ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'file:///etc']
  for (const url of [...others, 'vbscript:x', '//git.example', 'pull/7', '']) {
    assert.equal(toWebAddress(url), undefined, url)
  }
})
