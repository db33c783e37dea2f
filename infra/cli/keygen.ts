import { keyText, newKey, writeKey } from '../keys.ts'
import { type Command, exit } from './command.ts'

export const command: Command = {
  usage: `
duxnet keygen [--out FILE]

Makes an Ed25519 key: a node's, an authority's or a service's. Whoever has the file can sign with it.

  --out FILE  write it there, readable by you alone; an existing file is not overwritten. Without it the
              key goes to standard output.`,
  options: { out: { type: 'string' } },

  async run({ out }) {
    const key = newKey()
    if (typeof out === 'string') writeKey(out, key)
    process.stdout.write(typeof out === 'string' ? `public key ${key.publicKey}\nnode id    ${key.nodeId}\n` : keyText(key))
    return exit.done
  },
}
