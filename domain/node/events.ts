import { z } from 'zod'
import { idSchema, publicKeySchema } from '../ids.ts'

const slug = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must match ^[a-z0-9][a-z0-9._-]{0,63}$')

/** What a node says of itself. All of it is public and none of it is free text (design.md 7). */
export const profileSchema = z.strictObject({
  cores: z.int().min(1).max(65_536),
  memoryBytes: z.int().positive(),
  /** `process.platform` and `process.arch` of the machine: `linux`, `x64`. */
  platform: slug,
  arch: slug,
  /** Version of the agent's software. */
  version: slug,
  region: slug,
  /** What it can do: `cpu`, `container`, `gpu-cuda`; no repetition, at most 32, sorted. */
  capabilities: z
    .array(slug)
    .max(32)
    .refine((list) => list.every((item, index) => index === 0 || list[index - 1]! < item), 'must be sorted and without repetition'),
})

export const nodeRegisteredSchema = z.strictObject({
  type: z.literal('NodeRegistered'),
  data: z.strictObject({ nodeId: idSchema, publicKey: publicKeySchema, profile: profileSchema }),
})

export const nodeUpdatedSchema = z.strictObject({
  type: z.literal('NodeUpdated'),
  data: z.strictObject({ nodeId: idSchema, profile: profileSchema }),
})

export const nodeKeyChangedSchema = z.strictObject({
  type: z.literal('NodeKeyChanged'),
  data: z.strictObject({
    nodeId: idSchema,
    previousKey: publicKeySchema,
    publicKey: publicKeySchema,
    /** `node`: signed by the old key; `authority`: a lost key was recovered. The new key's own proof is in the command. */
    by: z.enum(['node', 'authority']),
  }),
})

export const nodeDeregisteredSchema = z.strictObject({
  type: z.literal('NodeDeregistered'),
  data: z.strictObject({ nodeId: idSchema }),
})

export const nodeEventSchema = z.discriminatedUnion('type', [
  nodeRegisteredSchema,
  nodeUpdatedSchema,
  nodeKeyChangedSchema,
  nodeDeregisteredSchema,
])

export type Profile = z.infer<typeof profileSchema>
export type NodeEvent = z.infer<typeof nodeEventSchema>
