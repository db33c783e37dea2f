import { airdropCommandRoutes } from './airdrop-commands.ts'
import { escrowCommandRoutes } from './escrow-commands.ts'
import { exampleEnvelope } from './examples.ts'
import { fundCommandRoutes } from './fund-commands.ts'
import { heartbeatRoutes } from './heartbeats.ts'
import { networkCommandRoutes } from './network-commands.ts'
import { nodeCommandRoutes } from './node-commands.ts'
import type { ProblemCode } from './problem.ts'
import { type Route, route } from './route.ts'
import { anyEnvelope } from './schemas.ts'
import { commandBodyBytesMax, commandRefusals, commandSuccesses, submit } from './submitting.ts'
import { walletCommandRoutes } from './wallet-commands.ts'

const aliases: readonly Route[] = [
  ...networkCommandRoutes,
  ...nodeCommandRoutes,
  ...walletCommandRoutes,
  ...escrowCommandRoutes,
  ...fundCommandRoutes,
  ...airdropCommandRoutes,
]

/** What only the network's own processes are refused with: their commands have no address of their own. */
const serviceRefusals: readonly ProblemCode[] = [
  'DepositUnconfirmed',
  'DepositUnknown',
  'HoldUnknown',
  'CreditNotOwed',
  'WithdrawalTransactionUnknown',
  'DeadlineNotReached',
  'SweepOutOfOrder',
]
const refusals = new Set([...commandRefusals, ...aliases.flatMap(({ problems }) => problems), ...serviceRefusals])
refusals.delete('CommandNotForThisRoute')

export const commandRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/commands',
    tag: 'Commands',
    summary: 'Send any command',
    description:
      'A command is signed by whoever sends it: Ed25519 over `duxnet-command-v1`, a line feed and the RFC 8785 text of `command`; keys and signature in base64url. Its id makes it safe to send again: a repetition is answered as the first time.',
    body: { schema: anyEnvelope, bytesMax: commandBodyBytesMax, example: exampleEnvelope('RecordHeartbeat') },
    successes: commandSuccesses,
    problems: [...refusals],
    lane: 'command',
    handle: submit,
  }),
  ...aliases,
  ...heartbeatRoutes,
]
