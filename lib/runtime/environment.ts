interface Platform {
  process?: { env: Record<string, string | undefined> }
  Deno?: {
    permissions: { querySync(permission: { name: 'env'; variable: string }): { readonly state: string } }
  }
}

/** An environment variable; undefined where there is none, or where Deno would have to ask whether we may. */
export function environment(variable: string): string | undefined {
  const { process, Deno } = globalThis as Platform
  if (Deno !== undefined && Deno.permissions.querySync({ name: 'env', variable }).state !== 'granted')
    return undefined
  return process?.env[variable]
}
