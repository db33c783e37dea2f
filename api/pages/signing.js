// Signs commands in the page: the key never leaves it.
const fieldsOf = {
  OpenWallet: [],
  IssueTestDeposit: ['wallet', 'amount'],
  Transfer: ['wallet', 'to', 'amount'],
  PlaceHold: ['wallet', 'escrowId'],
  StartEscrow: ['escrow'],
  ReleaseEscrow: ['escrow', 'resultHash'],
}
const labels = {
  wallet: 'Wallet',
  escrow: 'Escrow',
  escrowId: 'Escrow',
  to: 'To wallet',
  amount: 'Amount in minor units (1 FLOP is 100000000)',
  resultHash: 'Hash of the result that is accepted',
}

/** RFC 8785 of what commands hold here: objects and text. */
function canonical(value) {
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}

const bytesOf = (base64url) => Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

// What stands before the seed in an Ed25519 key in PKCS #8 (RFC 8410).
const pkcs8Prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]

/** The key of a file of `duxnet keygen`; it cannot be taken out of the browser again. */
export async function readKey(text) {
  const { format, publicKey, seed } = JSON.parse(text)
  if (format !== 'duxnet-key-v1') throw new Error('this is no key of duxnet keygen')
  const pkcs8 = new Uint8Array([...pkcs8Prefix, ...bytesOf(seed)])
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'Ed25519' }, false, ['sign'])
  return { publicKey, key }
}

/** The envelope that POST /v1/commands takes. */
export async function signed({ publicKey, key }, command) {
  const bytes = new TextEncoder().encode(`duxnet-command-v1\n${canonical(command)}`)
  return { command, publicKey, signature: base64url(await crypto.subtle.sign('Ed25519', key, bytes)) }
}

async function send(signer, type, values) {
  const { networkId, serverTime } = await (await fetch('/v1/network', { cache: 'no-store' })).json()
  const commandId = crypto.randomUUID()
  const { wallet, escrow, ...data } = values
  const subject = wallet ?? escrow ?? commandId
  const command = { type, subject, data, commandId, issuedAt: serverTime, audience: networkId }
  const body = JSON.stringify(await signed(signer, command))
  const response = await fetch('/v1/commands', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`
}

/** Joins the form of the page to this. */
export function watchSigning({ onSent }) {
  const at = (id) => document.querySelector(`#${id}`)
  let signer

  const chosen = () => {
    const [kind, id] = location.hash.slice(1).split('/')
    const rows = fieldsOf[at('act').value].map((name) => {
      const input = Object.assign(document.createElement('input'), { name, spellcheck: false, id: `field-${name}` })
      if (name.startsWith(kind) && id) input.value = id
      const label = Object.assign(document.createElement('label'), { htmlFor: input.id, textContent: labels[name] })
      const row = document.createElement('tr')
      row.append(document.createElement('th'), document.createElement('td'))
      row.firstChild.append(label)
      row.lastChild.append(input)
      return row
    })
    at('fields').replaceChildren(...rows)
  }

  at('act').append(...Object.keys(fieldsOf).map((name) => new Option(name)))
  at('act').addEventListener('change', chosen)
  addEventListener('hashchange', chosen)
  at('key').addEventListener('change', async ({ target }) => {
    signer = undefined
    try {
      signer = await readKey(await target.files[0].text())
      at('signer').replaceChildren('Signs as ', Object.assign(document.createElement('code'), { textContent: signer.publicKey }))
    } catch (error) {
      at('signer').textContent = `${error.message}`
    }
    at('sign').disabled = !signer
  })
  at('sign').addEventListener('click', async () => {
    const values = Object.fromEntries([...at('fields').querySelectorAll('input')].map(({ name, value }) => [name, value.trim()]))
    at('answer').hidden = false
    at('answer').textContent = await send(signer, at('act').value, values).catch(String)
    onSent()
  })
  chosen()
}
