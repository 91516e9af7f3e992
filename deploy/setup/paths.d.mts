/** The programs of a Kubernetes control plane, by absolute path. */
export interface ControlPlanePaths {
  readonly etcd: string
  readonly 'kube-apiserver': string
  readonly 'kube-controller-manager': string
  readonly 'kube-scheduler': string
  readonly kwok: string
}

/** The programs that rendering is compared with, by absolute path. */
export interface OraclePaths {
  readonly kustomize: string
  readonly helm: string
  readonly kubectlRead: string
}

/** The repository's top directory. */
export const root: string
/** Where what set-up builds is kept. */
export function cacheDir(): string
/** Where the render engine is, once set-up has built it. */
export function enginePath(): string
/** Where the control plane's programs are, once set-up has built them. */
export function controlPlanePaths(): ControlPlanePaths
/** Where the cache keeps the programs that rendering is compared with. */
export function oraclesDir(): string
/** Where those programs are, once set-up has built them. */
export function oraclePaths(): OraclePaths
/** Where the `sops` that tests compare with is, once set-up has built it. */
export function sopsPath(): string
/** Where the controller of SealedSecrets and its `kubeseal` are, once set-up has built them. */
export function sealedSecretsPaths(): {
  readonly controller: string
  readonly kubeseal: string
  readonly definition: string
}
/** Where the Vault that agents read from in tests is, once set-up has built it. */
export function vaultPath(): string
/** Where the Gitea that tests speak to is, once set-up has built it. */
export function giteaPaths(): { readonly program: string; readonly statics: string }
/** Where the `kubectl` that applying is compared with is, once set-up has built it. */
export function kubectlPath(): string
/** The Python that schemathesis is installed in, once set-up has done so. */
export function schemathesisPython(): string
/** Where the loader of the compose specification is, once set-up has built it. */
export function composeSpecPath(): string
/** Where the load of benchmarks is, once set-up has built it. */
export function loadPath(): string
/** Where hadolint is, where set-up could fetch it. */
export function hadolintPath(): string
export function isExecutable(path: string): boolean
