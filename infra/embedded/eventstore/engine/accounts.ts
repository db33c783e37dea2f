const prefix = '$user-'

/** The stream of a user's account, which holds the hash of a password. */
export const accountStream = (login: string) => prefix + login
export const isAccountStream = (stream: string) => stream.startsWith(prefix)
