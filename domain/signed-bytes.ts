const domainSeparator = 'duxnet-command-v1\n'
const encoder = new TextEncoder()

/** The bytes of a command that are signed, made from `commandText`: its UTF-8 behind what keeps it from being anything else. */
export function bytesToSign(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(domainSeparator + text)
}
