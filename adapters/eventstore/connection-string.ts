/** A connection string that may be handed to the client, and what an operator should know about it. */
export interface CheckedConnectionString {
  readonly connectionString: string
  readonly warning: string | undefined
}

/**
 * Checks an EventStoreDB connection string (`esdb://user:password@host:2113?tls=true`) before the client sees it: of what it does
 * not like the client prints the whole string, password included. Throws an Error that quotes nothing of it.
 */
export function checkConnectionString(connectionString: string): CheckedConnectionString {
  const match = /^esdb(?:\+discover)?:\/\/(?:([^:@]+:[^@]+)@)?([^@/?]+)\/?(?:\?(.*))?$/.exec(connectionString.trim())
  if (!match) throw new Error('the EventStoreDB connection string must look like esdb://user:password@host:2113?tls=true')
  const options = new Map<string, string>()
  for (const [index, option] of (match[3] ?? '').split('&').filter(Boolean).entries()) {
    const [key = '', value = ''] = option.split('=')
    const name = flat(key)
    if (!known.some((other) => flat(other) === name) || !value)
      throw new Error(`option ${index + 1} of the EventStoreDB connection string is none of ${known.join(', ')}`)
    options.set(name, value)
  }
  if (options.get('tlsverifycert') === 'false')
    throw new Error('tlsVerifyCert=false is not supported: name the certificate authority with tlsCAFile')
  const warning =
    match[1] && options.get('tls') === 'false' ? 'without TLS the event store is sent no user and no password' : undefined
  return { connectionString: connectionString.trim(), warning }
}

/** The client compares names so: in any case, hyphens and underscores left out. */
function flat(name: string): string {
  return name.trim().toLowerCase().replaceAll(/[-_]/g, '')
}

const known = [
  'tls',
  'tlsCAFile',
  'tlsVerifyCert',
  'userCertFile',
  'userKeyFile',
  'connectionName',
  'nodePreference',
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'defaultDeadline',
  'keepAliveInterval',
  'keepAliveTimeout',
  'throwOnAppendFailure',
]
