/** A program for `node --import`: what would listen on port 3000 listens on a free port of loopback, and prints it. */
export const printPort = `
import net from 'node:net'
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (options, ...more) {
  const asked = typeof options === 'number' ? { port: options } : options
  if (asked?.port !== 3000) return listen.call(this, options, ...more)
  this.once('listening', () => console.log('port ' + this.address().port))
  return listen.call(this, { ...asked, port: 0, host: '127.0.0.1' }, ...more)
}
`
