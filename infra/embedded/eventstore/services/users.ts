import { empty } from '../../../../adapters/eventstore/protobuf.ts'
import { framed } from '../grpc/frames.ts'
import type { Handler } from '../grpc/server.ts'
import { handlerThrew } from '../grpc/status.ts'
import type { User, Users } from '../security/users.ts'
import { users as generated } from '../wire/generated.ts'

const service = '/event_store.client.users.Users'

/** The service `users.Users`; who may call what is decided before. */
export function userService(users: Users): readonly (readonly [path: string, handler: Handler])[] {
  return [
    [
      `${service}/Create`,
      unary(generated.CreateReq, (user) =>
        users.create({
          loginName: user.getLoginName(),
          fullName: user.getFullName(),
          groups: user.getGroupsList(),
          password: user.getPassword(),
        }),
      ),
    ],
    [
      `${service}/Update`,
      unary(generated.UpdateReq, (user) => users.update(user.getLoginName(), user.getFullName(), user.getGroupsList())),
    ],
    [`${service}/Delete`, unary(generated.DeleteReq, (user) => users.remove(user.getLoginName()))],
    [`${service}/Enable`, unary(generated.EnableReq, (user) => users.setDisabled(user.getLoginName(), false))],
    [`${service}/Disable`, unary(generated.DisableReq, (user) => users.setDisabled(user.getLoginName(), true))],
    [
      `${service}/ChangePassword`,
      unary(generated.ChangePasswordReq, (user) =>
        users.changePassword(user.getLoginName(), user.getCurrentPassword(), user.getNewPassword()),
      ),
    ],
    [
      `${service}/ResetPassword`,
      unary(generated.ResetPasswordReq, (user) => users.resetPassword(user.getLoginName(), user.getNewPassword())),
    ],
    [`${service}/Details`, details(users)],
  ]
}

interface Request<Options> {
  deserializeBinary(message: Uint8Array): { getOptions(): Options | undefined }
}

/** Every one of these answers with a message without fields. */
function unary<Options>(request: Request<Options>, run: (options: Options) => Promise<void>): Handler {
  return (call) => {
    call.onMessage = (message) => {
      const options = request.deserializeBinary(message).getOptions()
      if (!options) throw handlerThrew()
      run(options).then(
        () => call.reply(empty),
        (error) => call.fail(error),
      )
    }
  }
}

/** One user, or all when none is named. */
function details(users: Users): Handler {
  return (call) => {
    call.onMessage = (message) => {
      const login = generated.DetailsReq.deserializeBinary(message).getOptions()?.getLoginName() ?? ''
      const found = login === '' ? users.all() : [users.get(login)]
      for (const user of found) call.write(framed(described(user)))
      call.end()
    }
  }
}

function described({ loginName, fullName, groups, disabled, lastUpdated }: User): Uint8Array {
  const { DateTime } = generated.DetailsResp.UserDetails
  const user = new generated.DetailsResp.UserDetails()
    .setLoginName(loginName)
    .setFullName(fullName)
    .setGroupsList([...groups])
    .setDisabled(disabled)
    .setLastUpdated(new DateTime().setTicksSinceEpoch(`${lastUpdated}0000`)) // of 100 ns
  return new generated.DetailsResp().setUserDetails(user).serializeBinary()
}
