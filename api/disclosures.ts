import { z } from 'zod'
import { readDisclosure } from '../commands/requests/disclosures.ts'
import { commitmentOf, commitmentSchema, saltSchema } from '../domain/commitment.ts'
import { instantSchema, publicKeySchema } from '../domain/ids.ts'
import { networkId } from './example-signers.ts'
import { example } from './examples.ts'
import { json, type Route, route } from './route.ts'
import { readAs, readerProblems, signedRoute } from './signed.ts'

const params = z.strictObject({ commitment: commitmentSchema })

const disclosureSchema = z
  .strictObject({
    commitment: commitmentSchema,
    salt: saltSchema,
    content: z.string().describe('Base64'),
    mediaType: z.string(),
    discloser: publicKeySchema,
    createdAt: instantSchema,
  })
  .meta({ id: 'Disclosure' })

const salt = Buffer.alloc(32, 'duxnet')
const content = Buffer.from('Render 240 frames of scene 7 at 1920 x 1080.')
const commitment = commitmentOf(salt, content)
const disclosed = { salt: salt.toString('base64url'), content: content.toString('base64'), mediaType: 'text/plain' }
const erasedAt = '2026-11-24T08:00:00.000Z'

export const disclosureRoutes: readonly Route[] = [
  signedRoute({
    path: '/v1/disclosures',
    type: 'DiscloseContent',
    tag: 'Disclosures',
    summary: 'Hand in what a commitment in the log stands for',
    description:
      'Answers the commitment: base64url of SHA-256 over `duxnet-commitment-v1`, a line feed, the salt and the content. Handing the same in again sets anew who may read it.',
    bytesMax: 96 * 1024,
    status: 201,
    done: 'It is kept',
    answer: z.strictObject({ commitment: commitmentSchema }),
    example: { subject: networkId, data: { ...disclosed, readers: ['arbiters'] }, answer: { commitment } },
    problems: ['DisclosureErased', 'DisclosureQuotaExceeded'],
  }),
  route({
    method: 'GET',
    path: '/v1/disclosures/:commitment',
    tag: 'Disclosures',
    summary: 'What a commitment stands for, for those whom it concerns',
    description:
      'Readable by whoever handed it in, the `readers` named then, the authority and the service keys. Who reads need not trust the answer: the commitment can be made again from it.',
    params,
    authorized: true,
    successes: {
      200: {
        description: 'What was handed in',
        schema: disclosureSchema,
        example: { commitment, ...disclosed, discloser: example.node.publicKey, createdAt: example.recordedAt },
      },
    },
    problems: [...readerProblems, 'DisclosureUnknown', 'DisclosureErased'],
    lane: 'query',
    async handle(asked, deps) {
      const found = await readAs(asked, deps, ({ records, reader, network }) =>
        readDisclosure(records.disclosures, asked.params.commitment, reader, network),
      )
      const { commitment, disclosed, mediaType, discloser, createdAt } = found
      return json(200, {
        commitment,
        salt: Buffer.from(disclosed.salt).toString('base64url'),
        content: Buffer.from(disclosed.content).toString('base64'),
        mediaType,
        discloser,
        createdAt: createdAt.toISOString(),
      })
    },
  }),
  signedRoute({
    path: '/v1/disclosures/:commitment/erase',
    type: 'EraseDisclosure',
    tag: 'Disclosures',
    summary: 'Erase what was handed in',
    description:
      "Erases the signer's copy; signed by the authority, all copies. The commitment in the log then says nothing to anybody.",
    params,
    status: 200,
    done: 'It is erased',
    answer: z.strictObject({ commitment: commitmentSchema, erasedAt: instantSchema }),
    example: { subject: networkId, data: { commitment }, answer: { commitment, erasedAt } },
    problems: ['DisclosureUnknown'],
  }),
]
