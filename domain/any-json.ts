import { z } from 'zod'
import type { Json } from './canonical.ts'

/** Part of a schema where JSON is that something else checks, as `canonicalJson` does; checking it twice costs more than all the rest. */
export const anyJson: z.ZodType<Json> = z.any()
