import { html, page } from './html.ts'

/** The page behind `/wallet`: wallets, escrows, the fund and the ledger, which its script reads from the API and goes on reading. */
export function moneyPage(): string {
  const body = html`<h1>Money</h1>
<p class="lookup"><input id="lookup" aria-label="Id of a wallet or an escrow" placeholder="id of a wallet or an escrow" spellcheck="false"><button type="button" id="look">Look up</button></p>
<p><a href="#fund">The community fund</a> · <a href="#ledger">The ledger</a> · <a href="#escrows">Escrows</a> · <a href="#wallets">Wallets</a> · <span id="connection" role="status"></span></p>
<div id="view"></div>
<details id="signing"><summary>Sign as the owner of a wallet</summary>
<p>A key stays in this page: commands are signed here, and only they are sent.</p>
<p><button type="button" id="make">Make a new key</button> <label>or take one from a file <input type="file" id="key" accept=".key,application/json"></label></p>
<p id="backup" hidden>This key is nowhere else: <a id="backup-link" download="duxnet.key">keep its file</a>, or what it owns is lost with this page.</p>
<p><label><input type="checkbox" id="keep"> Keep the key in this browser, where it can be used but not read</label> <button type="button" id="forget" hidden>Forget it</button></p>
<p id="signer" role="status"></p>
<table>
<tr><th><label for="act">Command</label></th><td><select id="act"></select></td></tr>
<tbody id="fields"></tbody>
</table>
<p><button type="button" id="sign" disabled>Sign and send</button></p>
<p id="answer" role="status" hidden></p>
</details>
<noscript><p>This page reads <a href="/docs">the API</a> by a script, which is switched off here.</p></noscript>`
  return page('DuxNet: money', body, { script: '/pages/money.js' })
}
