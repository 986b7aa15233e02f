import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { requestOf } from '../../../src/adapters/node-http/request-of.js'

it('a request without a method and a target has empty ones', () => {
  const req = new IncomingMessage(new Socket())
  Object.assign(req, { url: undefined, method: undefined })
  expect(requestOf(req, new ServerResponse(req))).toMatchObject({ method: '', target: '' })
})
