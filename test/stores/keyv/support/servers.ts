import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** A real server, a child process with its own directory and port on the loopback interface. */
export interface RealServer {
  readonly port: number
  /** Starts it again after `kill`, on the same port. */
  start(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
  /** Stops the processes: connections stay open and nothing answers. Returns when every thread has stopped. */
  freeze(): Promise<void>
  thaw(): void
}

const programs = (): readonly string[] => {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []
  return [...(process.env['PATH'] ?? '').split(delimiter), ...versions]
}

/** The path of a program; `undefined` when it is not installed. */
export const programOf = (name: string): string | undefined =>
  programs()
    .map((folder) => join(folder, name))
    .find(existsSync)

export const hasRedis = programOf('redis-server') !== undefined
export const hasMemcached = programOf('memcached') !== undefined
export const hasPostgres = programOf('postgres') !== undefined && programOf('initdb') !== undefined

/** Below the ports that the system gives to clients: one that was freed for a moment is not taken by anybody else. */
const [FIRST_PORT, LAST_PORT] = [12_000, 32_000]

export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false // in use
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'coatcheck-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Waits until something accepts connections. */
const listening = async (port: number, child: ChildProcess): Promise<void> => {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await pause(20)
  }
}

/** The processes that a process has forked. */
const childrenOf = (pid: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number)

/** Whether all threads of a process have stopped, or it has ended. */
const isStopped = (pid: number): boolean => {
  try {
    const stats = readdirSync(`/proc/${pid}/task`).map((id) => readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'))
    return stats.every((stat) => /\) [TZ] /.test(stat))
  } catch {
    return true
  }
}

const parentOf = (pid: string): number => {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return 0 // it has ended
  }
}

const sendSignal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it has ended since it was listed
  }
}

interface Way {
  readonly command: string
  readonly args: (port: number) => readonly string[]
  readonly user?: { readonly uid: number; readonly gid: number }
  /** The signal that ends it at once. */
  readonly end?: NodeJS.Signals
  /** Returns when it answers; it accepts connections by then. */
  readonly ready?: (port: number) => Promise<void>
}

const run = async ({ command, args, user, ready, end = 'SIGKILL' }: Way): Promise<RealServer> => {
  const port = await freePort()
  let child: ChildProcess | undefined
  const signal = (name: NodeJS.Signals): void => {
    if (child?.pid === undefined) return
    for (const pid of [child.pid, ...childrenOf(child.pid)]) sendSignal(pid, name)
  }
  const server: RealServer = {
    port,
    start: async () => {
      child = spawn(command, args(port), { stdio: 'ignore', ...user })
      await listening(port, child)
      await ready?.(port)
    },
    kill: async () => {
      const ending = child
      if (ending?.pid === undefined || ending.exitCode !== null || ending.signalCode !== null) return
      const exit = once(ending, 'exit')
      signal('SIGCONT')
      ending.kill(end)
      await exit
    },
    freeze: async () => {
      const hasStopped = (pid: number) => [pid, ...childrenOf(pid)].every(isStopped)
      do {
        signal('SIGSTOP') // again: it may have forked between the list of its children and its own stop
        await pause(5)
      } while (child?.pid !== undefined && !hasStopped(child.pid))
    },
    thaw: () => signal('SIGCONT')
  }
  onTestFinished(() => server.kill())
  await server.start()
  return server
}

/** A Redis without a disk: it comes back empty. */
export const redisServer = (): Promise<RealServer> => {
  const dir = folder()
  return run({
    command: programOf('redis-server') ?? '',
    args: (port) => ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no']
  })
}

/** A Redis that keeps what it has answered, also when it is killed. */
export const durableRedis = (...settings: readonly string[]): Promise<RealServer> => {
  const dir = folder()
  return run({
    command: programOf('redis-server') ?? '',
    args: (port) => [
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always', ...settings]
    ]
  })
}

export const memcachedServer = (): Promise<RealServer> =>
  run({
    command: programOf('memcached') ?? '',
    args: (port) => ['-l', '127.0.0.1', '-p', `${port}`, '-U', '0', '-m', '64', ...(isRoot() ? ['-u', 'nobody'] : [])]
  })

const isRoot = (): boolean => process.getuid?.() === 0

const idOf = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))

/** A PostgreSQL with a database `postgres`, to which the user `postgres` connects without a password. It keeps its data. */
export const postgresServer = (): Promise<RealServer> => {
  const dir = folder()
  const user = isRoot() ? { uid: idOf('-u'), gid: idOf('-g') } : undefined // it refuses to run as root
  if (user !== undefined) chownSync(dir, user.uid, user.gid)
  const data = join(dir, 'data')
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C']
  execFileSync(programOf('initdb') ?? '', initdb, { stdio: 'ignore', ...user })
  return run({
    command: programOf('postgres') ?? '',
    args: (port) => [
      ...['-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1'],
      ...['-c', `unix_socket_directories=${dir}`, '-c', 'fsync=off']
    ],
    ...(user === undefined ? {} : { user }),
    end: 'SIGQUIT', // a killed one leaves shared memory behind
    ready: async (port) => {
      const isReady = programOf('pg_isready') ?? ''
      for (;;) {
        try {
          execFileSync(isReady, ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres'], { stdio: 'ignore' })
          return
        } catch {
          await pause(20)
        }
      }
    }
  })
}
