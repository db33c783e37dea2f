import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { eventStoreContract } from './event-store-contract.ts'

eventStoreContract('event store in memory', 'breakable', async () => {
  const log = memoryEventStore()
  return {
    connect: (namespace) => log.connect({ namespace }),
    connectImpatiently: (namespace) => log.connect({ namespace }),
    faults: {
      goAway: async () => log.goAway(),
      comeBack: async () => log.comeBack(),
      cut() {
        log.goAway()
        log.comeBack()
      },
      loseReply(append) {
        log.loseNextReply()
        return append()
      },
      loseRequest(append) {
        log.loseNextAppend()
        return append()
      },
      restore: async (namespace, count) => log.restore(namespace, count),
    },
    close: () => log.close(),
  }
}).run()
