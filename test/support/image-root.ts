import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const collect = fileURLToPath(new URL('../../deploy/images/collect.sh', import.meta.url))

/**
 * Lays a directory out as the hub's image is: what `collect.sh` takes of Debian, and what the base has: a C library with its
 * loader, /bin and /lib as links, a null device, and nobody's name. Takes root.
 */
export async function layOutRoot(root: string): Promise<void> {
  await run('bash', [collect, root])
  assert.deepEqual((await readdir(root)).sort(), ['sh', 'usr'])
  const at = (...parts: string[]): string => join(root, ...parts)
  for (const name of ['bin', 'lib', 'lib64']) {
    await mkdir(at('usr', name), { recursive: true })
    await symlink(`usr/${name}`, at(name))
  }
  await copyFile(at('sh'), at('bin', 'sh'))
  const { stdout } = await run('ldconfig', ['-p'])
  const libc = stdout.matchAll(
    /^\s*(?:ld-linux\S*|lib(?:c|m|resolv|nss_files|nss_dns)\.so\.\d+) .*=> (\S+)$/gm,
  )
  let count = 0
  for (const [, path] of libc) {
    await copyTo(root, path!)
    count += 1
  }
  assert.ok(count >= 3, 'a C library')
  await layOutBase(root)
  await mkdir(at('tmp'))
  await chmod(at('tmp'), 0o777)
  await mkdir(at('etc'))
  await writeFile(at('etc/passwd'), 'nonroot:x:65532:65532::/tmp:/sbin/nologin\n')
}

/** What every base has: a loader and devices. */
export async function layOutBase(root: string): Promise<void> {
  const { stdout } = await run('ldd', ['/usr/bin/env'])
  await copyTo(root, /^\s*(\/lib\S+) \(/m.exec(stdout)![1]!)
  await mkdir(join(root, 'dev'))
  for (const [name, minor] of [
    ['null', '3'],
    ['urandom', '9'],
  ] as const) {
    await run('mknod', ['-m', '666', join(root, 'dev', name), 'c', '1', minor])
  }
}

/** Adds Node as the base has it, with the libraries that it loads. */
export async function addNode(root: string): Promise<void> {
  const { stdout } = await run('ldd', [process.execPath])
  for (const [, path] of stdout.matchAll(/=> (\/\S+) /g)) await copyTo(root, path!)
  await mkdir(join(root, 'nodejs/bin'), { recursive: true })
  await copyFile(process.execPath, join(root, 'nodejs/bin/node'))
}

async function copyTo(root: string, path: string): Promise<void> {
  await mkdir(join(root, dirname(path)), { recursive: true })
  await copyFile(path, join(root, path))
}
