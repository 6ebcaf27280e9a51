// A receiver as pharmacies run one: node receiver.mjs PORT SECRET FILE
// It verifies each event with the snippet of the published docs and writes what came to FILE.
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'

// As published, without its types.
function verify(rawBody, header, secret) {
  const parts = Object.fromEntries(header.split(',').map(p => p.split('=')))
  const expected = crypto.createHmac('sha256', secret).update(`${parts.t}.${rawBody}`).digest('hex')
  if (!crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(parts.v1))) throw new Error('Invalid signature')
  if (Math.abs(Date.now()/1000 - Number(parts.t)) > 300) throw new Error('Stale webhook')
}

const [port, secret, file] = process.argv.slice(2)

http.createServer((request, response) => {
  const pieces = []
  request.on('data', piece => pieces.push(piece))
  request.on('end', () => {
    const body = Buffer.concat(pieces).toString('utf8')
    const header = request.headers['x-scriptrun-signature'] ?? ''
    let accepted = true
    try { verify(body, header, secret) } catch { accepted = false }
    const event = request.headers['x-scriptrun-event']
    fs.appendFileSync(file, JSON.stringify({ accepted, event, header, body }) + '\n')
    response.writeHead(accepted ? 200 : 400).end()
  })
}).listen(Number(port), () => console.log('listening'))
