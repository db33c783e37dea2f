// The key of whoever uses the page: it signs here, and only what it signed is sent. Where it is kept it cannot be taken out again.

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))

// What stands before the seed in an Ed25519 key in PKCS #8 (RFC 8410).
const pkcs8Prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]

async function imported(seed, extractable) {
  try {
    return await crypto.subtle.importKey('pkcs8', new Uint8Array([...pkcs8Prefix, ...seed]), { name: 'Ed25519' }, extractable, ['sign'])
  } catch (error) {
    throw new Error(`this browser cannot sign with Ed25519 keys: ${error.message || error.name}`)
  }
}

/** What the client takes to sign with. */
export function signerOf({ publicKey, key }) {
  return { publicKey, sign: async (bytes) => base64url(await crypto.subtle.sign('Ed25519', key, bytes)) }
}

/** The key of a file of `duxnet keygen`; it cannot be taken out of the browser again. Throws an error for people. */
export async function readKey(text) {
  let file = {}
  try {
    file = JSON.parse(text)
  } catch {
    // It is none, as one without a format.
  }
  if (file?.format !== 'duxnet-key-v1') throw new Error('this is no key file of duxnet keygen')
  return { publicKey: file.publicKey, key: await imported(bytesOf(file.seed), false) }
}

/** A node's id: RFC 4648 base32 of the first 20 bytes of SHA-256 of its key, in small letters. */
async function nodeIdOf(publicKey) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(publicKey))).subarray(0, 20)
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return bits.replaceAll(/.{5}/g, (five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
}

/** A new key, and the text of its file as `duxnet keygen` writes it, which is the only copy that anybody will have. */
export async function makeKey() {
  const seed = crypto.getRandomValues(new Uint8Array(32))
  const { x: publicKey } = await crypto.subtle.exportKey('jwk', await imported(seed, true))
  const contents = { format: 'duxnet-key-v1', publicKey, nodeId: await nodeIdOf(publicKey), seed: base64url(seed) }
  const file = `${JSON.stringify(contents, null, 2)}\n`
  return { publicKey, key: await imported(seed, false), file }
}

/** The one key that this browser keeps for this page: `put(key)`, `get()`, `clear()`. */
export const keptKey = { put: (value) => stored('readwrite', (store) => store.put(value, 'signer')), get: () => stored('readonly', (store) => store.get('signer')), clear: () => stored('readwrite', (store) => store.clear()) }

function stored(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('duxnet', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const database = opening.result
      const request = act(database.transaction('keys', mode).objectStore('keys'))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
      request.transaction.oncomplete = () => database.close()
    }
  })
}
