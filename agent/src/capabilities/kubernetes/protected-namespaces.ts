/** Namespaces that nobody changes by way of Countersign: the cluster itself lives there, or we do. */
export const PROTECTED_NAMESPACES = ['kube-*', 'countersign*'] as const;

export function isProtectedNamespace(namespace: string): boolean {
  return PROTECTED_NAMESPACES.some((pattern) => namespace.startsWith(pattern.replace('*', '')));
}
