/**
 * The server's side of {@link remote}: says where it listens, tells when it is asked, ends with its parent.
 *
 * @param {import('node:http').Server} server
 * @param {(question: any) => unknown} tell
 * @param {object} [facts] said together with the port
 */
export const serve = (server, tell, facts) => {
  process.on('message', async (question) => process.send?.(await tell(question)))
  process.on('disconnect', () => process.exit())
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') process.send?.({ port: address.port, ...facts })
  })
}
