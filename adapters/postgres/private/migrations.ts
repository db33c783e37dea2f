/**
 * The private schema, step by step. A step that was released is never changed: what is different from then on is a new one at the
 * end. Its number is its place, from 1. Names without a schema are those of `duxnet_private`.
 */
export const migrations: readonly string[] = [
  // Each who discloses has a copy: nobody can erase what another one handed in. An erased one keeps neither salt nor content.
  `create table disclosures (
     commitment text not null,
     discloser text not null,
     salt bytea,
     content bytea,
     "mediaType" text not null,
     readers text[] not null,
     "createdAt" timestamptz not null,
     "erasedAt" timestamptz,
     primary key (commitment, discloser),
     check ((salt is null) = (content is null) and (content is null) = ("erasedAt" is not null))
   );
   create index on disclosures (discloser, "createdAt")`,
  // What signed requests were done lately, so that each is done once.
  `create table requests (
     signer text not null,
     "commandId" text not null,
     digest text not null,
     answer jsonb not null,
     at timestamptz not null,
     primary key (signer, "commandId")
   );
   create index on requests (at)`,
  // A cursor in the log for each webhook. Its epoch changes when the cursor is put elsewhere: who still sends from the old place loses.
  `create table webhooks (
     id text primary key,
     owner text not null,
     url text not null,
     "eventTypes" text[],
     subjects text[],
     "createdAt" timestamptz not null,
     disabled text,
     "nextIndex" bigint not null,
     epoch integer not null default 0,
     failures integer not null default 0,
     "failingSince" timestamptz,
     "waitUntil" timestamptz
   );
   create index on webhooks (owner);
   create table "webhookSecrets" (
     "webhookId" text not null references webhooks on delete cascade,
     id text not null,
     text text not null,
     "createdAt" timestamptz not null,
     "expiresAt" timestamptz,
     primary key ("webhookId", id)
   );
   create table "webhookDeliveries" (
     "webhookId" text not null references webhooks on delete cascade,
     "messageId" text not null,
     sequence bigint generated always as identity,
     index bigint,
     type text not null,
     state text not null,
     attempts integer not null,
     "firstAttemptAt" timestamptz,
     "lastAttemptAt" timestamptz,
     "nextAttemptAt" timestamptz,
     status integer,
     error text,
     primary key ("webhookId", "messageId")
   );
   create unique index on "webhookDeliveries" ("webhookId", sequence);
   create unique index on "webhookDeliveries" ("webhookId", index);
   create index on "webhookDeliveries" ("nextAttemptAt") where state = 'retrying'`,
  // The chain: whose address is whose, how far deposits were taken in, and payments with what they spend. An output is spent once.
  `create table "depositAddresses" ("walletId" text primary key, address text not null unique);
   create table "chainPlaces" (name text primary key, "blockHash" text not null);
   create table payments (
     "withdrawalId" text not null,
     attempt integer not null check (attempt > 0),
     psbt bytea not null,
     fee numeric(39,0) not null check (fee >= 0),
     height integer not null,
     txid text unique,
     bytes bytea,
     "createdAt" timestamptz not null default now(),
     primary key ("withdrawalId", attempt),
     check ((txid is null) = (bytes is null))
   );
   create index on payments ("withdrawalId") where bytes is null;
   create table "paymentInputs" (
     txid text not null,
     vout integer not null,
     "withdrawalId" text not null,
     place integer not null,
     address text not null,
     "walletId" text,
     amount numeric(39,0) not null check (amount > 0),
     primary key (txid, vout)
   );
   create index on "paymentInputs" ("withdrawalId")`,
  // Several withdrawals in one payment. Until now a payment was one withdrawal's, and bore its id.
  `alter table payments rename to "paymentAttempts";
   alter table "paymentAttempts" rename "withdrawalId" to "paymentId";
   alter table "paymentInputs" rename "withdrawalId" to "paymentId";
   create table payments ("paymentId" text primary key, recorded boolean not null);
   insert into payments select distinct "paymentId", false from "paymentAttempts";
   create index on payments ("paymentId") where not recorded;
   create table "paymentMembers" (
     "withdrawalId" text primary key,
     "paymentId" text not null references payments on delete cascade,
     place integer not null
   );
   insert into "paymentMembers" select "paymentId", "paymentId", 0 from payments;
   create index on "paymentMembers" ("paymentId");
   create table "paymentsWithdrawn" (txid text primary key, "paymentId" text not null references payments on delete cascade);
   create index on "paymentsWithdrawn" ("paymentId");
   alter table "paymentAttempts" add foreign key ("paymentId") references payments on delete cascade;
   alter table "paymentInputs" add foreign key ("paymentId") references payments on delete cascade`,
]
