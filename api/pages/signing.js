// The form that signs commands in the page.
import { keptKey, makeKey, readKey, signerOf } from './keys.js'

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
  amount: 'Amount in FLOP',
  resultHash: 'Hash of the result that is accepted',
}

/** FLOP as minor units: by moving the point in the text, for no number holds them all. Throws an error for people. */
export function minorUnits(text) {
  const [, whole, fraction = ''] = /^(\d{1,12})(?:[.,](\d{1,8}))?$/.exec(text.trim()) ?? []
  if (whole === undefined) throw new Error('an amount is digits, and up to eight behind the point: 12.5')
  const units = `${whole}${fraction.padEnd(8, '0')}`.replace(/^0+(?=\d)/, '')
  if (units === '0') throw new Error('an amount is more than 0')
  return units
}

const dataOf = (values) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name === 'amount' ? minorUnits(value) : value]))

/** Joins the form of the page to this. `onSent` is told what a command made, and `onKey` whose key signs (undefined: nobody's). */
export function watchSigning({ client, onSent, onKey }) {
  const at = (id) => document.querySelector(`#${id}`)
  let signer

  function use(key) {
    signer = key
    at('sign').disabled = !key
    at('forget').hidden = !key
    const name = key && Object.assign(document.createElement('code'), { textContent: key.publicKey })
    const mine = key && Object.assign(document.createElement('a'), { href: `#mine/${key.publicKey}`, textContent: 'my wallets' })
    at('signer').replaceChildren(...(key ? ['Signs as ', name, ' · ', mine] : ['Nobody signs here yet.']))
    onKey(key?.publicKey)
  }

  async function take(making) {
    try {
      const { file, ...key } = await making
      at('backup').hidden = file === undefined
      if (file !== undefined) at('backup-link').href = `data:application/json,${encodeURIComponent(file)}`
      if (at('keep').checked) await keptKey.put(key)
      use(key)
    } catch (error) {
      use(undefined)
      at('signer').textContent = `${error.message}`
    }
  }

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

  async function send(type, values) {
    const { wallet, escrow, ...rest } = values
    const subject = wallet ?? escrow
    return client.send(type, dataOf(rest), { signer: signerOf(signer), ...(subject !== undefined && { subject }) })
  }

  at('act').append(...Object.keys(fieldsOf).map((name) => new Option(name)))
  at('act').addEventListener('change', chosen)
  addEventListener('hashchange', chosen)
  at('key').addEventListener('change', ({ target }) => take(target.files[0].text().then(readKey)))
  at('make').addEventListener('click', () => take(makeKey()))
  at('keep').addEventListener('change', () => signer && (at('keep').checked ? keptKey.put(signer) : keptKey.clear()))
  at('forget').addEventListener('click', async () => {
    await keptKey.clear()
    at('keep').checked = false
    at('backup').hidden = true
    use(undefined)
  })
  at('sign').addEventListener('click', async () => {
    const values = Object.fromEntries([...at('fields').querySelectorAll('input')].map(({ name, value }) => [name, value.trim()]))
    at('sign').disabled = true
    at('answer').hidden = false
    try {
      const outcome = await send(at('act').value, values)
      at('answer').className = 'healthy'
      at('answer').textContent = `${outcome.outcome}: ${outcome.events.map(({ type }) => type).join(', ') || 'it was so already'}`
      onSent(outcome)
    } catch (error) {
      at('answer').className = 'offline'
      at('answer').textContent = error.code ? `${error.problem?.title ?? error.message} (${error.code})` : error.message
    }
    at('sign').disabled = !signer
  })
  chosen()
  use(undefined)
  keptKey
    .get()
    .then((key) => {
      if (!key) return
      at('keep').checked = true
      use(key)
    })
    .catch(() => {}) // A browser that keeps nothing has kept nothing.
}
