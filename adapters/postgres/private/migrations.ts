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
]
