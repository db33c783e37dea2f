import { z } from 'zod'

/** The stored shape of one event type. */
export function eventSchema<const Type extends string, const Data extends z.core.$ZodShape>(type: Type, data: Data) {
  return z.strictObject({ type: z.literal(type), data: z.strictObject(data) })
}
