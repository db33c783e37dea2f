/** Something handed in by one key; what was erased has neither salt nor content. */
export interface DisclosureRow {
  commitment: string
  /** Public key. */
  discloser: string
  salt: Buffer | null
  content: Buffer | null
  mediaType: string
  /** Who may read it beside the discloser: public keys and names of roles. */
  readers: string[]
  createdAt: Date
  erasedAt: Date | null
}
