import { html, page } from './html.ts'

/** The page behind `/wallet`: wallets, escrows, the fund and the ledger, which its script reads from the API and goes on reading. */
export function moneyPage(): string {
  const body = html`<h1>Money</h1>
<p class="lookup"><input id="lookup" aria-label="Id of a wallet or an escrow" placeholder="id of a wallet or an escrow" spellcheck="false"><button type="button" id="look">Look up</button></p>
<p><a href="#fund">The community fund</a> · <a href="#ledger">The ledger</a> · <a href="#escrows">Escrows</a> · <a href="#wallets">Wallets</a></p>
<div id="view" aria-live="polite"></div>
<details id="signing"><summary>Sign as the owner of a wallet</summary>
<p>The key of a file of <code>duxnet keygen</code> stays in this page: commands are signed here, and only they are sent.</p>
<p><label>Key file <input type="file" id="key" accept=".key,application/json"></label></p>
<p id="signer"></p>
<table>
<tr><th><label for="act">Command</label></th><td><select id="act"></select></td></tr>
<tbody id="fields"></tbody>
</table>
<p><button type="button" id="sign" disabled>Sign and send</button></p>
<pre id="answer" hidden></pre>
</details>
<noscript><p>This page reads <a href="/docs">the API</a> by a script, which is switched off here.</p></noscript>`
  return page('DuxNet: money', body, { script: '/pages/money.js' })
}
