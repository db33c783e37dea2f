import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockFile } from '../../file-lock.ts'
import { Groups } from './groups/registry.ts'
import { grpc, type Handler } from './grpc/server.ts'
import { nodeRoutes } from './http/node.ts'
import { httpOverHttp2 } from './http/over-http2.ts'
import { http } from './http/server.ts'
import { statusRoutes } from './http/status.ts'
import { subscriptionRoutes } from './http/subscriptions.ts'
import { type Advertise, Node } from './node.ts'
import { type Certificate, openPort } from './port/port.ts'
import { Projections } from './projections/projections.ts'
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
import { projectionHandlers } from './services/projections.ts'
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
  /** Lets the projections of the system run; those that were enabled before do so anyway. */
  readonly startStandardProjections?: boolean | undefined
  readonly advertise?: Advertise | undefined
}

export interface Server {
  readonly host: string
  readonly port: number
  /** Shows another certificate to whoever connects from now on. */
  renew(certificate: Certificate): void
  /** Ends open calls, finishes what was accepted and closes the files. */
  close(): Promise<void>
}

/** Opens the store and serves it in this thread. Throws an Error that says what is in the way: the port, the directory, the files. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { directory, host, port, certificate, defaultPasswords = {} } = options
  await using opening = new AsyncDisposableStack()
  if (directory !== undefined) {
    const hold = holdDirectory(directory)
    opening.defer(() => hold.release())
  }
  const store = await openStore(directory)
  opening.defer(() => store.close())
  const groups = new Groups(store)
  opening.defer(() => groups.close())
  const projections = new Projections(store)
  opening.defer(() => projections.close())
  if (options.startStandardProjections) await projections.enableAll()

  const { authenticate, service } = certificate
    ? await withUsers(store, defaultPasswords)
    : { authenticate: withoutUsers, service: [] }
  const node = nodeOf(options)
  const routes = guardedRoutes(
    [...nodeRoutes(node, store), ...subscriptionRoutes(groups), ...statusRoutes({ node, store, groups, projections, directory })],
    authenticate,
  )
  const handlers = new Map([...handlersOf(node, store, groups), ...projectionHandlers(projections), ...service])
  const server = await openPort({
    host,
    port,
    certificate,
    http2: grpc(guarded(handlers, authenticate), httpOverHttp2(routes)),
    http1: http(routes),
  })
  opening.defer(() => server.close())

  const opened = opening.move()
  return {
    host: server.host,
    port: server.port,
    renew: (certificate) => server.renew(certificate),
    close: () => opened.disposeAsync(),
  }
}

function nodeOf({ directory, host, port, certificate, startStandardProjections = false, advertise = {} }: ServerOptions): Node {
  const isSecure = certificate !== undefined
  const settings = {
    Db: directory ?? '',
    MemDb: directory === undefined,
    NodeIp: host,
    NodePort: port,
    NodeHostAdvertiseAs: advertise.host ?? '',
    NodePortAdvertiseAs: advertise.port ?? 0,
    StartStandardProjections: startStandardProjections,
    Insecure: !isSecure,
  }
  return new Node({ advertise, isSecure, hasAtomPub: false, settings })
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
function handlersOf(node: Node, store: Store, groups: Groups): ReadonlyMap<string, Handler> {
  const subscriptions = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
  return new Map<string, Handler>([
    ['/event_store.client.server_features.ServerFeatures/GetSupportedMethods', getSupportedMethods()],
    ['/event_store.client.gossip.Gossip/Read', readGossip(node)],
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
