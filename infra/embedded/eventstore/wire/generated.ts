import { createRequire } from 'node:module'

// The message classes that ship inside the client are CommonJS.
const require = createRequire(import.meta.url)

export const streams: typeof import('@eventstore/db-client/generated/streams_pb.js') = require('@eventstore/db-client/generated/streams_pb.js')
export const shared: typeof import('@eventstore/db-client/generated/shared_pb.js') = require('@eventstore/db-client/generated/shared_pb.js')
export const gossip: typeof import('@eventstore/db-client/generated/gossip_pb.js') = require('@eventstore/db-client/generated/gossip_pb.js')
export const features: typeof import('@eventstore/db-client/generated/serverfeatures_pb.js') = require('@eventstore/db-client/generated/serverfeatures_pb.js')
export const persistent: typeof import('@eventstore/db-client/generated/persistent_pb.js') = require('@eventstore/db-client/generated/persistent_pb.js')
export const users: typeof import('@eventstore/db-client/generated/users_pb.js') = require('@eventstore/db-client/generated/users_pb.js')
export const projections: typeof import('@eventstore/db-client/generated/projections_pb.js') = require('@eventstore/db-client/generated/projections_pb.js')
