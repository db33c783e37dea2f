import type { z } from 'zod'
import type { Decider } from '../decider.ts'
import { DomainError } from '../errors.ts'
import { type NodeState, registered } from '../node/decider.ts'
import { type VersionedMap, versionedMap } from '../versioned-map.ts'
import { type AttestationEvent, computationProvedSchema, sybilSignalRaisedSchema, sybilSignalWithdrawnSchema } from './events.ts'

export const proveComputationData = computationProvedSchema.shape.data.omit({ nodeId: true })
export const raiseSybilSignalData = sybilSignalRaisedSchema.shape.data.omit({ nodeId: true, signalId: true })
export const withdrawSybilSignalData = sybilSignalWithdrawnSchema.shape.data.omit({ nodeId: true })

interface Common {
  readonly nodeId: string
  readonly signer: string
  readonly authority: string
}

export interface ProveComputation extends Common, z.infer<typeof proveComputationData> {
  readonly type: 'ProveComputation'
  readonly node: NodeState | undefined
}

export interface RaiseSybilSignal extends Common, z.infer<typeof raiseSybilSignalData> {
  readonly type: 'RaiseSybilSignal'
  readonly signalId: string
  readonly node: NodeState | undefined
}

export interface WithdrawSybilSignal extends Common, z.infer<typeof withdrawSybilSignalData> {
  readonly type: 'WithdrawSybilSignal'
}

export type AttestationCommand = ProveComputation | RaiseSybilSignal | WithdrawSybilSignal

/** What the authority has found about a node: each proof counts once, and a signal until it is withdrawn. */
export interface AttestationState {
  /** Units by proof. */
  readonly proofs: VersionedMap<number>
  readonly signals: VersionedMap<{ readonly rule: string; readonly weight: number; readonly isOpen: boolean }>
}

interface Written {
  readonly proofs: [string, number][]
  readonly signals: [string, { readonly rule: string; readonly weight: number; readonly isOpen: boolean }][]
}

const nothingYet: AttestationState = { proofs: versionedMap(), signals: versionedMap() }

export const attestationDecider: Decider<AttestationState, AttestationCommand, AttestationEvent> = {
  rules: 1,
  initialState: nothingYet,
  sizeOf: ({ proofs, signals }) => 512 + 128 * (proofs.size + signals.size),
  snapshots: {
    write: ({ proofs, signals }) => ({
      proofs: [...proofs.entries()].map(([id, units]) => [id, units]),
      signals: [...signals.entries()].map(([id, signal]) => [id, { ...signal }]),
    }),
    read(json) {
      const { proofs, signals } = json as unknown as Written
      return {
        proofs: proofs.reduce((all, [id, units]) => all.with(id, units), nothingYet.proofs),
        signals: signals.reduce((all, [id, signal]) => all.with(id, signal), nothingYet.signals),
      }
    },
  },
  decide(command, state) {
    if (command.signer !== command.authority) throw new DomainError('SignerNotAllowed', { needed: 'authority' })
    switch (command.type) {
      case 'ProveComputation':
        return prove(command, state)
      case 'RaiseSybilSignal':
        return raise(command, state)
      case 'WithdrawSybilSignal':
        return withdraw(command, state)
    }
  },
  evolve(state, event) {
    const { proofs, signals } = state
    switch (event.type) {
      case 'ComputationProved':
        return { ...state, proofs: proofs.with(event.data.proofId, event.data.units) }
      case 'SybilSignalRaised': {
        const { signalId, rule, weight } = event.data
        return { ...state, signals: signals.with(signalId, { rule, weight, isOpen: true }) }
      }
      case 'SybilSignalWithdrawn': {
        const { signalId } = event.data
        return { ...state, signals: signals.with(signalId, { ...signals.get(signalId)!, isOpen: false }) }
      }
    }
  },
}

function prove({ nodeId, node, proofId, units, evidence }: ProveComputation, { proofs }: AttestationState): AttestationEvent[] {
  registered(nodeId, node)
  const known = proofs.get(proofId)
  if (known === units) return []
  if (known !== undefined) throw new DomainError('ProofAlreadyCounted', { proofId, units: known })
  return [{ type: 'ComputationProved', data: { nodeId, proofId, units, evidence } }]
}

function raise(command: RaiseSybilSignal, { signals }: AttestationState): AttestationEvent[] {
  const { nodeId, node, signalId, rule, weight, evidence } = command
  registered(nodeId, node)
  const known = signals.get(signalId)
  if (known?.rule === rule && known.weight === weight) return []
  if (known) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId: signalId })
  return [{ type: 'SybilSignalRaised', data: { nodeId, signalId, rule, weight, evidence } }]
}

function withdraw({ nodeId, signalId, reason }: WithdrawSybilSignal, { signals }: AttestationState): AttestationEvent[] {
  const signal = signals.get(signalId)
  if (!signal) throw new DomainError('SybilSignalUnknown', { signalId })
  return signal.isOpen ? [{ type: 'SybilSignalWithdrawn', data: { nodeId, signalId, reason } }] : []
}
