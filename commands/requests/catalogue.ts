import { discloseContent, eraseDisclosure } from './disclosures.ts'
import type { RequestKind } from './request.ts'
import {
  createWebhook,
  deleteWebhook,
  disableWebhook,
  enableWebhook,
  replayWebhook,
  rotateWebhookSecret,
  testWebhook,
} from './webhooks.ts'

/** Everything that is signed and done, but is no command of the log, by type. */
export const requestKinds = {
  DiscloseContent: discloseContent,
  EraseDisclosure: eraseDisclosure,
  CreateWebhook: createWebhook,
  RotateWebhookSecret: rotateWebhookSecret,
  DisableWebhook: disableWebhook,
  EnableWebhook: enableWebhook,
  DeleteWebhook: deleteWebhook,
  ReplayWebhook: replayWebhook,
  TestWebhook: testWebhook,
} as const satisfies Readonly<Record<string, RequestKind>>

export type RequestType = keyof typeof requestKinds

export function requestKindOf(type: string): RequestKind | undefined {
  return Object.hasOwn(requestKinds, type) ? requestKinds[type as RequestType] : undefined
}
