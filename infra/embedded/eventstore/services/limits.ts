/** The data of the events of one append, together; EventStoreDB's default. Types and metadata do not count. */
export const maxAppendBytes = 1024 * 1024
