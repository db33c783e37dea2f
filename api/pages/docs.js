// Sends what the fields of an operation say and shows the whole answer.
for (const section of document.querySelectorAll('.operation')) {
  const answer = section.querySelector('.answer')
  const send = async () => {
    const { method, path } = section.dataset
    const query = new URLSearchParams()
    const headers = {}
    let address = path
    for (const { name, value, dataset } of section.querySelectorAll('input')) {
      if (dataset.in === 'path') address = address.replace(`{${name}}`, encodeURIComponent(value))
      else if (value !== '' && dataset.in === 'query') query.set(name, value)
      else if (value !== '') headers[name] = value
    }
    const body = section.querySelector('textarea')?.value
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (query.size) address += `?${query}`
    answer.hidden = false
    answer.textContent = `${method} ${address} …`
    try {
      const response = await fetch(address, { method, headers, body, cache: 'no-store' })
      const text = await response.text()
      const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`)
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const shown = isJson && text ? JSON.stringify(JSON.parse(text), null, 2) : text
      answer.textContent = [`${method} ${address}`, `${response.status} ${response.statusText}`, ...lines, '', shown].join('\n')
    } catch (error) {
      answer.textContent = `${method} ${address}\n${error}`
    }
  }
  section.querySelector('button').addEventListener('click', send)
}

// A link to an operation or a schema opens it.
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (target instanceof HTMLDetailsElement) target.open = true
}
addEventListener('hashchange', open)
open()
