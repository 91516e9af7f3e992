import { isMap, parseDocument } from 'yaml'
import { configPath, readConfig } from './config.ts'
import type { ConfigFile } from './config-file.ts'
import { CliFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

/* Changes to the configuration file. People write it too: comments and order stay as they are. */

type Files = Pick<Terminal, 'env' | 'readFile' | 'replaceFile'>
type Context = ConfigFile['contexts'][string]

export async function listContexts(
  files: Files,
): Promise<{ readonly current: string | undefined; readonly contexts: ConfigFile['contexts'] }> {
  const config = await readConfig(configPath(files.env), files)
  return { current: config?.currentContext, contexts: config?.contexts ?? {} }
}

/** Adds or replaces one, which is the current one from then on. */
export async function putContext(files: Files, name: string, context: Context): Promise<void> {
  await change(files, (document) => {
    if (!isMap(document.get('contexts'))) document.set('contexts', document.createNode({}))
    document.setIn(['contexts', name], document.createNode(context))
    document.set('currentContext', name)
  })
}

export async function useContext(files: Files, name: string): Promise<void> {
  await needContext(files, name)
  await change(files, (document) => document.set('currentContext', name))
}

export async function removeContext(files: Files, name: string): Promise<void> {
  const current = await needContext(files, name)
  await change(files, (document) => {
    document.deleteIn(['contexts', name])
    if (current === name) document.delete('currentContext')
  })
}

async function needContext(files: Files, name: string): Promise<string | undefined> {
  const { current, contexts } = await listContexts(files)
  if (Object.hasOwn(contexts, name)) return current
  throw new CliFailure(2, `no context ${name} in ${configPath(files.env)}`, {
    hint: `it has: ${Object.keys(contexts).join(', ') || 'none'}`,
  })
}

async function change(
  files: Files,
  edit: (document: ReturnType<typeof parseDocument>) => void,
): Promise<void> {
  const path = configPath(files.env)
  // Refuses a file that is none of ours before it is written to.
  await readConfig(path, files)
  const document = parseDocument((await files.readFile(path)) ?? '{}\n')
  if (isMap(document.contents)) document.contents.flow = false
  edit(document)
  await files.replaceFile(path, document.toString())
}
