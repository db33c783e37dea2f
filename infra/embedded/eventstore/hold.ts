import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives a held directory back. */
export type Release = () => Promise<void>

/**
 * Holds a data directory for this process, making it if need be: a socket bound to a name that stands for it, which the kernel
 * frees however the process ends. Throws an Error that names the directory when another process, or this one, holds it.
 */
export async function holdDirectory(directory: string): Promise<Release> {
  mkdirSync(directory, { recursive: true })
  const name = socketName(directory)
  const holder = await bind(name).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE')
      throw new Error(`the data directory ${directory} cannot be held: ${error.message}`, { cause: error })
    if (name.startsWith('/') && !(await isAlive(name))) {
      unlinkSync(name) // left by a process that was killed, where names of sockets are files
      return bind(name)
    }
    throw new Error(`the data directory ${directory} is in use by another event store`, { cause: error })
  })
  holder.unref()
  return () => new Promise((resolve) => holder.close(() => resolve()))
}

/** By device and inode, so that two paths to one directory are one name. */
function socketName(directory: string): string {
  const { dev, ino } = statSync(directory, { bigint: true })
  const digest = createHash('sha256').update(`${dev} ${ino}`).digest('hex').slice(0, 32)
  const name = `duxnet-eventstore-${digest}`
  if (process.platform === 'linux') return `\0${name}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`)
}

async function bind(name: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  server.listen(name)
  await once(server, 'listening')
  return server
}

function isAlive(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(name, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
