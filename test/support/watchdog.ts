import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/* A shell that outlives us by a moment: our end of its stdin closes however we die, even by SIGKILL,
   and it then kills the process groups and removes the directories that were not released. */
const script = `
groups=' ' dirs=''
while read -r verb argument; do
  case $verb in
    guard) groups="$groups$argument " ;;
    release) case $groups in *" $argument "*)
      groups="\${groups%% $argument *} \${groups#* $argument }" ;; esac ;;
    remove) dirs="$dirs
$argument" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
sleep 0.2
IFS='
'
for dir in $dirs; do rm -rf -- "$dir"; done
`

let watchdog: ChildProcess | undefined

function tell(line: string): void {
  if (watchdog === undefined) {
    watchdog = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    watchdog.unref()
    const stdin = watchdog.stdin as unknown as Socket
    stdin.unref()
    stdin.on('error', () => {})
  }
  watchdog.stdin?.write(`${line}\n`)
}

/** Kills this process group when we end without `releaseGroup`. */
export function guardGroup(pid: number): void {
  tell(`guard ${pid}`)
}

/** The group has ended: its number may belong to somebody else soon. */
export function releaseGroup(pid: number): void {
  tell(`release ${pid}`)
}

/** Removes this directory when we end, if it is still there. */
export function removeAtEnd(directory: string): void {
  tell(`remove ${directory}`)
}
