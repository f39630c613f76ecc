// A js-libp2p node for the tests: echoes frames, dials the node that it is told, and says what happens.
// One JSON object a line on stdout; the topic and the echo protocol are those of the tests.

// Node 20 lacks it, and js-libp2p 3 needs it.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}

const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { gossipsub } = await import('@libp2p/gossipsub')
const { identify } = await import('@libp2p/identify')
const { ping } = await import('@libp2p/ping')
const { multiaddr } = await import('@multiformats/multiaddr')

const ECHO = '/test/echo/1'
const TOPIC = '/folkmoot/council/1'
const [, , target] = process.argv
const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }))

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, emitSelf: false })
  }
})

await node.handle(ECHO, async (a) => {
  const stream = a.stream ?? a
  for await (const data of stream) stream.send(data)
  await stream.close()
})

node.services.pubsub.addEventListener('message', async (event) => {
  say('heard', { text: Buffer.from(event.detail.data).toString() })
  await node.services.pubsub.publish(TOPIC, Buffer.from('from JavaScript'))
})
node.services.pubsub.subscribe(TOPIC)

say('listening', { address: node.getMultiaddrs()[0].toString() })

const there = multiaddr(target)
say('pinged', { milliseconds: await node.services.ping.ping(there) })

const stream = await node.dialProtocol(there, ECHO)
const body = Buffer.alloc(100_000, 7)
const head = Buffer.alloc(4)
head.writeUInt32BE(body.length)
stream.send(Buffer.concat([head, body]))
let back = Buffer.alloc(0)
for await (const data of stream) {
  back = Buffer.concat([back, Buffer.from(data.subarray())])
  if (back.length >= 4 + body.length) break
}
say('echoed', { same: back.equals(Buffer.concat([head, body])) })
await stream.close()

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
