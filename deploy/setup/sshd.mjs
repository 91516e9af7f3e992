import { existsSync } from 'node:fs'
import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'

/** Makes sure that `sshd`, `ssh` and `ssh-keygen` are there: tests fetch from Git over SSH. */
export async function setUpSshd() {
  if (!existsSync('/usr/sbin/sshd')) await installDebianPackage('openssh-server', 'OpenSSH sshd')
  if (readCommand('ssh', ['-V']) === undefined) {
    await installDebianPackage('openssh-client', 'OpenSSH client')
  }
}
