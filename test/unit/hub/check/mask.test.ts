import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { maskObject } from '../../../../hub/check/mask.ts'
import { diffObject } from '../../../../hub/check/object-diff.ts'
import { formatObject, parseExact } from '../../../../hub/check/object-text.ts'
import { startSpending } from '../../../support/processor-time.ts'

const json = (value: unknown): string => JSON.stringify(value)
const secret = (data: Record<string, string>) =>
  json({ apiVersion: 'v1', data, kind: 'Secret', metadata: { name: 's' } })
const configMap = (data: Record<string, string>) =>
  json({ apiVersion: 'v1', data, kind: 'ConfigMap', metadata: { name: 'c' } })

describe('a diff of a Secret (I10)', () => {
  it('tells which of its values changed, and none of them', () => {
    const { patch } = diffObject(
      secret({ a: 'b25l', b: 'c2FtZQ==', gone: 'eA==' }),
      secret({ a: 'dHdv', b: 'c2FtZQ==', neu: 'eQ==' }),
    )
    assert.equal(
      patch,
      [
        '@@',
        ' apiVersion: v1',
        ' data:',
        '-  a: "*** (before)"',
        '+  a: "*** (after)"',
        '   b: "***"',
        '-  gone: "*** (before)"',
        '+  neu: "*** (after)"',
        ' kind: Secret',
        ' metadata:',
        '   name: s',
        '',
      ].join('\n'),
    )
  })

  it('keeps apart what differs only in secrets', () => {
    const one = diffObject(secret({ a: 'eA==' }), secret({ a: 'eQ==' }))
    const other = diffObject(secret({ a: 'eA==' }), secret({ a: 'eg==' }))
    assert.equal(one.patch, other.patch)
    assert.notEqual(one.key, other.key)
  })

  it('never shows a value, whatever it is', () => {
    const value = fc.string({ minLength: 6 }).map((text) => Buffer.from(text).toString('base64'))
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), value), value, (data, other) => {
        const { patch } = diffObject(secret({ ...data, z: 'AAAA' }), secret({ ...data, z: other }))
        for (const text of [...Object.values(data), other]) assert.ok(!patch.includes(text))
      }),
    )
  })

  it('hides the copy that kubectl keeps of it', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{"data":"cGFzcw=="}',
    }
    const text = json({ kind: 'Secret', metadata: { annotations, name: 's' } })
    assert.doesNotMatch(formatObject(maskObject(parseExact(text))), /cGFzcw/)
  })
})

describe('what looks like a secret elsewhere', () => {
  const shown = (value: unknown): string => formatObject(maskObject(parseExact(json(value))))
  const hidden: readonly (readonly [string, unknown])[] = [
    ['hunter2', { password: 'hunter2' }],
    ['hunter2', { spec: { env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] } }],
    ['hunter2', { data: { 'app.properties': 'url=x\ndb.password=hunter2\n' } }],
    ['hunter2', { data: { 'app.yaml': 'smtp:\n  "password": "hunter2"\n' } }],
    ['hunter2', { data: { 'c.json': '{"user":"me","password":"hunter2","port":1}' } }],
    ['hunter2', { data: { 'c.json': '{"login":{"user":"me", "dbPassword" : "hun\\"ter2"}}' } }],
    ['hunter2', { data: { inner: String.raw`{"a":"{\"password\":\"hunter2\"}"}` } }],
    ['hunter2', { data: { 'c.yaml': 'smtp: {user: me, password: hunter2}' } }],
    ['hunter2', { data: { 'web.config': '<add key="x" password="hunter2"/>' } }],
    ['hunter2', { data: { connection: 'Server=db;User=me;Password=hunter2;Port=1' } }],
    ['hunter2', { data: { dsn: 'host=db user=me password=hunter2 sslmode=on' } }],
    ['hunter2', { data: { hook: 'https://host/x?user=me&access_token=hunter2&b=1' } }],
    ['hunter2', { spec: { command: ['sh', '-c', 'run --user=me --password=hunter2 --v=1'] } }],
    ['hunter2', { data: { 'nginx.conf': 'proxy_set_header Authorization "Bearer hunter2";' } }],
    ['hunter2', { data: { 'c.toml': 'headers = { Authorization = "Basic hunter2" }' } }],
    ['hunter2', { data: { url: 'postgres://me:hunter2@db/x' } }],
    [
      'MIIEv',
      { data: { key: '-----BEGIN RSA PRIVATE KEY-----\nMIIEv\n-----END RSA PRIVATE KEY-----' } },
    ],
    ['AKIAABCDEFGHIJKLMNOP', { data: { x: 'id AKIAABCDEFGHIJKLMNOP' } }],
    [`ghp_${'a'.repeat(36)}`, { data: { x: `ghp_${'a'.repeat(36)}` } }],
  ]
  for (const [text, value] of hidden) {
    it(`is masked: ${JSON.stringify(value)}`, () => {
      assert.ok(!shown(value).includes(text), shown(value))
    })
  }

  it('is told from what only names one', () => {
    const value = {
      automountServiceAccountToken: false,
      secretName: 'tls',
      secretKeyRef: { key: 'password', name: 'db' },
      tokenExpirationSeconds: 3600,
    }
    assert.equal(shown(value).includes('***'), false)
  })

  it('is marked in a line of text when it changed', () => {
    const { patch } = diffObject(
      configMap({ f: 'password=one\nname=x\n' }),
      configMap({ f: 'password=two\nname=x\n' }),
    )
    assert.match(patch, /^-\s+password=\*\*\* \(before\)$/m)
    assert.match(patch, /^\+\s+password=\*\*\* \(after\)$/m)
  })
})

describe('a text that is long', () => {
  it('is masked in a time that grows with its length, whatever it is made of', () => {
    const blanks = [' ', '\n', '\t', ' \n', 'token: ', 'authorization: ']
    for (const part of blanks) {
      const text = `token:${part.repeat(60_000)}x`
      const spent = startSpending()
      maskObject(parseExact(configMap({ f: text })))
      const took = spent()
      assert.ok(took < 1_000, `${JSON.stringify(part)}: ${took} ms`)
    }
  })
})

describe('an object as text', () => {
  it('keeps integers that a double cannot hold, so that a change of one shows', () => {
    const { patch } = diffObject('{"a":9007199254740993}', '{"a":9007199254740992}')
    assert.match(patch, /-a: 9007199254740993\n\+a: 9007199254740992/)
  })

  it('is told as both sides where too many lines differ to search for the least that do', () => {
    const lines = (mark: string) =>
      configMap({ f: Array.from({ length: 100 }, (_, at) => `${mark}${at}\n`).join('') })
    const { patch } = diffObject(lines('a'), lines('b'), 100)
    assert.match(patch, /^-apiVersion: v1\n[^]*\n\+apiVersion: v1\n/)
    assert.match(diffObject(lines('a'), lines('b')).patch, /^@@\n apiVersion: v1\n/)
    const young = diffObject(undefined, lines('a'), 1).patch
    assert.ok(young.startsWith('@@\n+apiVersion: v1\n'), 'what is new needs no search')
  })

  it('is whole when it comes or goes', () => {
    assert.equal(diffObject(undefined, '{"a":1}').patch, '@@\n+a: 1\n')
    assert.equal(diffObject('{"a":1}', undefined).change, 'removed')
  })
})
