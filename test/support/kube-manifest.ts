import { parseAllDocuments } from 'yaml'
import { type KubeAccess, kubeCall } from './kube-request.ts'

/** An object of a manifest, as `kubectl` reads it. */
export interface ManifestObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [member: string]: unknown
}

export function readManifest(text: string): ManifestObject[] {
  return parseAllDocuments(text, { version: '1.1' }).map((one) => one.toJS() as ManifestObject)
}

/** Where the API server has it. */
export function pathOf({ apiVersion, kind, metadata }: ManifestObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const within = metadata.namespace ? `/namespaces/${metadata.namespace}` : ''
  return `${root}${within}/${kind.toLowerCase()}s/${metadata.name}`
}

/** As `kubectl apply --server-side -f -`; a field that the API server does not know is an error. */
export async function applyManifest(
  access: KubeAccess,
  objects: readonly ManifestObject[],
): Promise<void> {
  for (const object of objects) {
    const query = 'fieldManager=kubectl&fieldValidation=Strict'
    await kubeCall(access, 'APPLY', `${pathOf(object)}?${query}`, object)
  }
}

/** An administrator's access, as a ServiceAccount instead: a token as its pods would have. */
export async function accessAs(
  access: KubeAccess,
  namespace: string,
  account: string,
): Promise<KubeAccess> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  const { status } = await kubeCall<{ status: { token: string } }>(access, 'POST', path, request)
  return { ...access, token: status.token }
}
