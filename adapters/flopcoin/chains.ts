/** What an address, a key and an extended key of one chain begin with. */
export interface ChainParameters {
  readonly pubKeyHash: number
  readonly scriptHash: number
  readonly wif: number
  /** Versions of extended keys (BIP 32). */
  readonly bip32: { readonly public: number; readonly private: number }
}

export const chainNames = ['main', 'test', 'regtest'] as const
/** As `getblockchaininfo` names it. */
export type ChainName = (typeof chainNames)[number]

/** Of Flopcoin Core's chain parameters. */
export const chains: Readonly<Record<ChainName, ChainParameters>> = {
  main: { pubKeyHash: 35, scriptHash: 22, wif: 158, bip32: { public: 0x02facafd, private: 0x02fac398 } },
  test: { pubKeyHash: 56, scriptHash: 76, wif: 184, bip32: { public: 0x043587cf, private: 0x04358394 } },
  regtest: { pubKeyHash: 111, scriptHash: 196, wif: 239, bip32: { public: 0x043587cf, private: 0x04358394 } },
}
