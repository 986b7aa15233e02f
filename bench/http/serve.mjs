/**
 * The server's side of {@link remote}: says where it listens, tells when it is asked, ends with its parent.
 *
 * @param {import('node:http').Server} server
 * @param {() => unknown} tell
 * @param {object} [facts] said together with the port
 */
export const serve = (server, tell, facts) => {
  process.on('message', () => process.send?.(tell()))
  process.on('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') process.send?.({ port: address.port, ...facts })
  })
}
