import { commitmentOf } from '../../domain/commitment.ts'
import {
  admitDisclosure,
  contentBytesMax,
  type Disclosure,
  discloseContentData,
  eraseDisclosureData,
  mayErase,
  mayRead,
} from '../../domain/disclosure.ts'
import { DomainError, malformed } from '../../domain/errors.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import type { Disclosures } from './ports.ts'
import { requestKind } from './request.ts'

/** Keeps what a commitment in the log stands for. Handing it in again changes who may read it. */
export const discloseContent = requestKind({
  data: discloseContentData,
  subject: 'network',
  async apply({ data, signer, now, issuedAt }, { disclosures }) {
    const salt = Buffer.from(data.salt, 'base64url')
    const content = Buffer.from(data.content, 'base64')
    if (content.length > contentBytesMax) throw malformed('command.data.content', `is longer than ${contentBytesMax} bytes`)
    const commitment = commitmentOf(salt, content)
    const own = (await disclosures.copies(commitment)).find(({ discloser }) => discloser === signer)
    // A request that was on its way, or is sent again, must not bring back what its sender has erased since.
    if (own?.erasedAt && new Date(issuedAt) <= own.erasedAt) throw erased(own)
    if (!own?.disclosed) admitDisclosure(await disclosures.usage(signer), content.length)
    await disclosures.keep({
      commitment,
      discloser: signer,
      disclosed: { salt, content },
      mediaType: data.mediaType,
      readers: data.readers ?? [],
      createdAt: own?.disclosed ? own.createdAt : now,
      erasedAt: undefined,
    })
    return { answer: { commitment } }
  },
})

/** Erases the signer's copy; the authority erases all. What the log holds of it then says nothing to anybody. */
export const eraseDisclosure = requestKind({
  data: eraseDisclosureData,
  subject: 'network',
  async apply({ data: { commitment }, signer, now, network }, { disclosures }) {
    const own = (await disclosures.copies(commitment)).filter((copy) => mayErase(signer, copy, network))
    if (!own.length) throw new DomainError('DisclosureUnknown', { commitment })
    for (const { discloser, erasedAt } of own) if (!erasedAt) await disclosures.erase(commitment, discloser, now)
    return { answer: { commitment, erasedAt: (own[0]!.erasedAt ?? now).toISOString() } }
  },
})

/** What `reader` may see under a commitment. Throws `DisclosureUnknown` (also for what it may not read) and `DisclosureErased`. */
export async function readDisclosure(
  disclosures: Disclosures,
  commitment: string,
  reader: string,
  network: NetworkState,
): Promise<Disclosure & { readonly disclosed: NonNullable<Disclosure['disclosed']> }> {
  const copies = (await disclosures.copies(commitment)).filter((copy) => mayRead(reader, copy, network))
  for (const copy of copies) {
    const { disclosed } = copy
    if (disclosed) return { ...copy, disclosed }
  }
  if (!copies.length) throw new DomainError('DisclosureUnknown', { commitment })
  throw erased(copies[0]!)
}

function erased({ commitment, erasedAt }: Disclosure): DomainError {
  return new DomainError('DisclosureErased', { commitment, erasedAt: erasedAt?.toISOString() ?? null })
}
