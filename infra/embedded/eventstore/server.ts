import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockFile } from '../../file-lock.ts'
import { Groups } from './groups/registry.ts'
import { grpc, type Handler } from './grpc/server.ts'
import { nodeRoutes } from './http/node.ts'
import { http } from './http/server.ts'
import { type Certificate, openPort, type Port } from './port/port.ts'
import { basicAuthentication } from './security/authentication.ts'
import { createDefaultUsers, type DefaultPasswords } from './security/default-users.ts'
import { type Authenticate, guarded, withoutUsers } from './security/guard.ts'
import { guardedRoutes } from './security/guard-http.ts'
import { Users } from './security/users.ts'
import { append } from './services/append.ts'
import { batchAppend } from './services/batch-append.ts'
import { softDelete, tombstone } from './services/delete.ts'
import { getSupportedMethods, readGossip } from './services/discovery.ts'
import { readGroup } from './services/group-read.ts'
import { createGroup, deleteGroup, getGroupInfo, listGroups, replayParked, restartGroups, updateGroup } from './services/groups.ts'
import { read } from './services/read.ts'
import { userService } from './services/users.ts'
import { openStore, type Store } from './store.ts'

export interface ServerOptions {
  /** Where the log lies; undefined: in memory, gone when the server ends. */
  readonly directory: string | undefined
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  /** With it the port speaks TLS only and knows users, without it plaintext only, and everything is allowed. */
  readonly certificate?: Certificate | undefined
  readonly defaultPasswords?: DefaultPasswords | undefined
}

export interface Server {
  readonly host: string
  readonly port: number
  /** Ends open calls, finishes what was accepted and closes the files. */
  close(): Promise<void>
}

/** Opens the store and serves it in this thread. Throws an Error that says what is in the way: the port, the directory, the files. */
export async function openServer({ directory, host, port, certificate, defaultPasswords = {} }: ServerOptions): Promise<Server> {
  const hold = directory === undefined ? undefined : holdDirectory(directory)
  let store: Store | undefined
  let groups: Groups | undefined
  let server: Port
  try {
    store = await openStore(directory)
    groups = new Groups(store)
    const { authenticate, service } = certificate
      ? await withUsers(store, defaultPasswords)
      : { authenticate: withoutUsers, service: [] }
    const handlers = guarded(new Map([...handlersOf(store, groups), ...service]), authenticate)
    server = await openPort({
      host,
      port,
      certificate,
      http2: grpc(handlers),
      http1: http(guardedRoutes(nodeRoutes, authenticate)),
    })
  } catch (error) {
    await groups?.close()
    await store?.close()
    hold?.release()
    throw error
  }
  const [openedStore, openedGroups] = [store, groups]
  return {
    host: server.host,
    port: server.port,
    async close() {
      await server.close()
      await openedGroups.close()
      await openedStore.close()
      hold?.release()
    },
  }
}

interface Security {
  readonly authenticate: Authenticate
  /** The methods by which users are managed. */
  readonly service: Iterable<readonly [path: string, handler: Handler]>
}

async function withUsers(store: Store, defaultPasswords: DefaultPasswords): Promise<Security> {
  const users = new Users(store)
  await createDefaultUsers(users, defaultPasswords)
  return { authenticate: basicAuthentication(users), service: userService(users) }
}

/** Makes the directory if need be, and holds it by a lock that the kernel frees. Throws an Error that names it when it is held. */
function holdDirectory(directory: string): { release(): void } {
  mkdirSync(directory, { recursive: true })
  const hold = lockFile(join(directory, 'hold'))
  if (!hold) throw new Error(`the data directory ${directory} is in use by another event store`)
  return hold
}

/** Everything that is answered; any other method is UNIMPLEMENTED. */
function handlersOf(store: Store, groups: Groups): ReadonlyMap<string, Handler> {
  const subscriptions = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
  return new Map<string, Handler>([
    ['/event_store.client.server_features.ServerFeatures/GetSupportedMethods', getSupportedMethods()],
    ['/event_store.client.gossip.Gossip/Read', readGossip()],
    ['/event_store.client.streams.Streams/Append', append(store)],
    ['/event_store.client.streams.Streams/BatchAppend', batchAppend(store)],
    ['/event_store.client.streams.Streams/Delete', softDelete(store)],
    ['/event_store.client.streams.Streams/Tombstone', tombstone(store)],
    ['/event_store.client.streams.Streams/Read', read(store)],
    [`${subscriptions}/Create`, createGroup(groups)],
    [`${subscriptions}/Update`, updateGroup(groups)],
    [`${subscriptions}/Delete`, deleteGroup(groups)],
    [`${subscriptions}/Read`, readGroup(groups, store)],
    [`${subscriptions}/GetInfo`, getGroupInfo(groups)],
    [`${subscriptions}/List`, listGroups(groups)],
    [`${subscriptions}/ReplayParked`, replayParked(groups)],
    [`${subscriptions}/RestartSubsystem`, restartGroups(groups)],
  ])
}
