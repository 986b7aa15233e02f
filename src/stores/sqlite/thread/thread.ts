/** The thread of a store: opens the file, answers one request after the other, and ends when it has closed the file. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadDriver } from '../file/load-driver.js'
import { TaskFile } from '../file/task-file.js'
import { type Answer, type NumberedRequest, OPENING, type Request, type ThreadSettings } from './messages.js'
import { plainFailure } from './plain-failure.js'

/** Nothing but messages ends the thread: it ends by itself once it has no port. */
const port = parentPort

const send = (answer: Answer): void => port?.postMessage(answer)

const answer = (call: number, work: () => unknown): boolean => {
  try {
    send({ call, value: work() })
    return true
  } catch (error) {
    send({ call, failure: plainFailure(error) })
    return false
  }
}

const perform = (file: TaskFile, request: Request): unknown => {
  switch (request.do) {
    case 'write':
      return file.write(request.batch)
    case 'get':
      return file.get(request.id)
    case 'close':
      return file.close()
  }
}

const serve = (file: TaskFile): void => {
  port?.on('message', ({ call, request }: NumberedRequest) => {
    answer(call, () => perform(file, request))
    if (request.do === 'close') port.close()
  })
}

const { driver, load, ...settings } = workerData as ThreadSettings

answer(OPENING, () => {
  const file = TaskFile.open(loadDriver(driver), settings)
  const content = load ? file.load() : undefined
  serve(file)
  return content
})
